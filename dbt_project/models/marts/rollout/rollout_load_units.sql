-- One row per site, unit and deviation of its initial load.
with units as (

    select * from {{ ref('int_units_checked') }}
    where deviation_code is not null

)

select
    site_id,
    article_id,
    serial_number,
    deviation_code,
    coalesce(loaded_storage_location_id, counted_storage_location_id) as storage_location_id,
    stock_type_code,
    times_loaded,
    is_counted,
    other_site_ids,
    case
        when deviation_code = 'loaded_twice'
            then concat('Loaded ', cast(times_loaded as varchar), ' times: take all but one back by 562, 564 or 566.')
        when deviation_code = 'loaded_at_two_sites'
            then concat('Loaded at ', other_site_ids, ' as well: find the unit, and take the load of every other site back.')
        when deviation_code = 'loaded_not_counted'
            then 'Loaded and not there: recount, then take it back; look for a mistyped number among those not loaded.'
        when other_site_ids is null
            then 'There and not loaded: load it by 561; look for a mistyped number among those not counted.'
        else concat('There, and loaded at ', other_site_ids, ': take it back there, and load it here by 561.')
    end as remedy
from units
