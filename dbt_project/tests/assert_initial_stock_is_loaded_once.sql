-- Stock that stood there before the ERP did is loaded once per unit, and not after the cut-over (dbt variable cutover_date).
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'serial_movements'}}}) }}

with loads as (

    select
        article_id,
        serial_number,
        sum(case when movement_type in ('561', '563', '565') then 1 else -1 end) as times,
        max(case when movement_type in ('561', '563', '565') then movement_date end) as last_date
    from {{ ref('serial_movements') }}
    where movement_type in ('561', '563', '565', '562', '564', '566')
    group by article_id, serial_number

)

select * from loads
where times > 1 or last_date > coalesce(cast(nullif('{{ var("cutover_date") }}', '') as date), date '9999-12-31')
