-- One row per line of an inventory: its newest extract, with the number of the inventory.
with inventory_lines as (

    select
        *,
        row_number() over (partition by id order by extracted_at desc, _ingested_at desc, _line desc) as age
    from {{ source('tryton', 'inventory_lines') }}

),

inventories as (

    select
        *,
        row_number() over (partition by id order by extracted_at desc, _ingested_at desc, _line desc) as age
    from {{ source('tryton', 'inventories') }}

),

renamed as (

    select
        'stock.inventory.line,' || cast(inventory_lines.id as varchar) as origin_key,
        'INVENTORY-'
        || coalesce({{ blank_to_null('inventories.number') }}, cast(inventory_lines.inventory as varchar)) as document_id,
        inventories.location as location_id,
        inventories.state as inventory_state,
        inventories.date as counted_date,
        inventory_lines.product as product_id,
        inventory_lines.lot as lot_id,
        inventory_lines.expected_quantity,
        inventory_lines.quantity as counted_quantity,
        greatest(inventory_lines._ingested_at, coalesce(inventories._ingested_at, inventory_lines._ingested_at)) as ingested_at
    from inventory_lines
    left join inventories on inventory_lines.inventory = inventories.id and inventories.age = 1 and not inventories.is_deleted
    where inventory_lines.age = 1 and not inventory_lines.is_deleted

)

select * from renamed
