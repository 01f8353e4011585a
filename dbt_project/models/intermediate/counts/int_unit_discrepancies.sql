-- One row per unit and rule that it breaks: every rule of the reconciliation is written here, and here alone.
with compared as (

    select
        *,
        is_in_erp_stock and erp_stock_type_code in ('04', '05', '06') as is_moving_in_erp,
        ledger_unit_state in ('in_stock', 'with_vendor') as is_in_ledger_stock,
        count_result_code = 'surplus' as is_found,
        count_result_code = 'missing' as is_missing
    from {{ ref('int_units_compared') }}

),

broken as (

    select
        article_id,
        serial_number,
        {%- set rules = {
            'duplicate': "erp_stock_places > 1 or count_found_sites > 1",
            'unknown_serial': "not is_in_ledger and (is_in_erp_stock or is_found)",
            'non_transferred': "(is_erp_against_ledger and is_moving_in_erp and is_in_ledger_stock)
                or (is_erp_against_ledger and is_in_erp_stock and not is_moving_in_erp and ledger_unit_state = 'in_transit')
                or (is_found and ledger_unit_state = 'in_transit')",
            'wrong_site': "(is_erp_against_ledger and is_in_erp_stock and not is_moving_in_erp and is_in_ledger_stock
                    and erp_site_id <> ledger_site_id)
                or (is_found and is_in_ledger_stock and count_site_id <> ledger_site_id)",
            'wrong_storage_location': "(is_erp_against_ledger and is_in_erp_stock and not is_moving_in_erp and is_in_ledger_stock
                    and erp_site_id = ledger_site_id and ledger_storage_location_id is distinct from erp_storage_location_id
                    and ledger_storage_location_id is not null)
                or (is_found and is_in_ledger_stock and count_site_id = ledger_site_id)",
            'overage': "is_found and is_in_ledger and not is_in_ledger_stock and ledger_unit_state <> 'in_transit'",
            'short': "is_missing",
            'status_conflict': "(is_in_warehouse and is_at_customer) or (is_in_erp_stock and is_at_customer)
                or (is_erp_against_ledger and is_in_ledger and (
                    not is_in_erp_stock
                    or not (is_in_ledger_stock or ledger_unit_state = 'in_transit')
                    or (erp_site_id = ledger_site_id and is_moving_in_erp = (ledger_unit_state = 'in_transit')
                        and erp_stock_type_code is distinct from ledger_stock_type_code)))",
            'stuck_delivery_status': "is_stuck_on_delivery",
        } %}
    {%- for cause, rule in rules.items() %}
    coalesce({{ rule }}, false) as is_{{ cause }}{{ ',' if not loop.last }}
    {%- endfor %}
    from compared

),

listed as (

    {%- for cause in rules %}
    select
        article_id,
        serial_number,
        '{{ cause }}' as cause_code
    from broken
    where is_{{ cause }}
    union all
    {%- endfor %}
    select
        article_id,
        serial_number,
        'profile_mismatch' as cause_code
    from {{ ref('int_units_sent_across_profiles') }}

)

select
    listed.article_id,
    listed.serial_number,
    listed.cause_code,
    causes.precedence
from listed
inner join {{ ref('discrepancy_causes') }} as causes on listed.cause_code = causes.cause_code
