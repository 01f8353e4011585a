{#-
    One row per unit that a count found: `results` as in int_count_results, and where the books had it then. `stays` are those of
    serial_stays, with is_begun_by_count.
-#}
{% macro count_units_found(results, stays) %}
    select
        results.source_name,
        results.count_document_id,
        results.site_id,
        results.storage_location_id,
        results.article_id,
        results.serial_number,
        coalesce(bool_or(
            stays.unit_state = 'in_stock'
            and stays.site_id = results.site_id
            and coalesce(stays.storage_location_id, results.storage_location_id, '')
            = coalesce(results.storage_location_id, stays.storage_location_id, '')
        ), false) as is_booked_here,
        max_by(stays.unit_state, stays.stay_number) as book_unit_state,
        max_by(stays.site_id, stays.stay_number) as book_site_id,
        max_by(stays.storage_location_id, stays.stay_number) as book_storage_location_id,
        results.counted_date,
        results.counted_from_at,
        results.counted_to_at
    from {{ results }} as results
    left join {{ stays }} as stays
        on
            results.article_id = stays.article_id
            and results.serial_number = stays.serial_number
            and results.counted_to_at >= stays.valid_from_at
            and results.counted_from_at <= stays.valid_to_at
            and not (stays.is_begun_by_count and cast(stays.valid_from_at as date) = results.counted_date)
    where results.serial_number is not null
    group by all
{% endmacro %}
