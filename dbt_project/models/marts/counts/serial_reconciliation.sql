-- One row per unit of which ledger, ERP and last count do not say the same: cause, proposed correction, value at stake.
with discrepancies as (

    select * from {{ ref('int_unit_discrepancies') }}

),

-- Of several causes the first by precedence (seed discrepancy_causes) leads to what has to be done.
caused as (

    select
        article_id,
        serial_number,
        min_by(cause_code, precedence) as cause_code,
        {{ joined_text('cause_code', 'cause_code') }} as all_cause_codes
    from discrepancies
    group by article_id, serial_number

),

sent as (

    select * from {{ ref('int_units_sent_across_profiles') }}

),

joined as (

    select
        compared.*,
        caused.article_id as caused_article_id,
        caused.serial_number as caused_serial_number,
        caused.cause_code,
        caused.all_cause_codes,
        sent.from_site_id as profile_from_site_id,
        sent.to_site_id as profile_to_site_id,
        sent.from_profile_code,
        sent.to_profile_code
    from caused
    left join {{ ref('int_units_compared') }} as compared
        on caused.article_id = compared.article_id and caused.serial_number = compared.serial_number
    left join sent on caused.article_id = sent.article_id and caused.serial_number = sent.serial_number

),

corrected as (

    select
        *,
        {{ correcting_movement_type() }} as correction_movement_type,
        -- What a count saw goes before what books say; of two books, the one with every source's documents.
        case
            when count_result_code = 'surplus' then count_site_id
            -- Not found where the ledger has it, it may be where the ERP does.
            when count_result_code = 'missing' and is_in_erp_stock and erp_site_id <> ledger_site_id then erp_site_id
            when count_result_code = 'missing' or ledger_unit_state not in ('in_stock', 'in_transit', 'with_vendor') then null
            else coalesce(ledger_site_id, erp_site_id)
        end as right_site_id,
        case
            when count_result_code = 'surplus' then count_storage_location_id
            -- Not found where the ledger has it, it may be where the ERP does.
            when count_result_code = 'missing' and is_in_erp_stock and erp_site_id <> ledger_site_id then erp_storage_location_id
            when count_result_code = 'missing' or ledger_unit_state not in ('in_stock', 'in_transit', 'with_vendor') then null
            else coalesce(ledger_storage_location_id, erp_storage_location_id)
        end as right_storage_location_id,
        case
            when count_result_code is not null then ledger_site_id
            when is_in_erp_stock then erp_site_id
        end as wrong_site_id,
        case
            when count_result_code is not null then ledger_storage_location_id
            when is_in_erp_stock then erp_storage_location_id
        end as wrong_storage_location_id
    from joined

)

select
    corrected.caused_article_id as article_id,
    articles.article_name,
    corrected.caused_serial_number as serial_number,
    corrected.cause_code,
    corrected.all_cause_codes,
    {{ cause_in_words() }} as cause_text,
    causes.what_to_do,
    corrected.correction_movement_type,
    case when corrected.cause_code not in ('overage', 'unknown_serial') then corrected.wrong_site_id end
        as correction_from_site_id,
    case
        when corrected.cause_code not in ('overage', 'unknown_serial') then corrected.wrong_storage_location_id
    end as correction_from_storage_location_id,
    corrected.right_site_id as correction_to_site_id,
    corrected.right_storage_location_id as correction_to_storage_location_id,
    coalesce(trusted.trust_level, 'unknown') as trust_level,
    corrected.ledger_unit_state,
    corrected.ledger_site_id,
    corrected.ledger_storage_location_id,
    corrected.ledger_stock_type_code,
    corrected.ledger_moved_at,
    corrected.erp_equipment_id,
    corrected.erp_site_id,
    corrected.erp_storage_location_id,
    corrected.erp_stock_type_code,
    corrected.erp_status_codes,
    corrected.erp_extracted_date,
    corrected.count_result_code,
    corrected.count_document_id,
    corrected.count_site_id,
    corrected.count_storage_location_id,
    corrected.counted_at,
    article_values.unit_value as value_at_stake
from corrected
inner join {{ ref('discrepancy_causes') }} as causes on corrected.cause_code = causes.cause_code
left join {{ ref('articles') }} as articles on corrected.caused_article_id = articles.article_id
left join {{ ref('int_article_values') }} as article_values on corrected.caused_article_id = article_values.article_id
left join {{ ref('int_article_sites_trusted') }} as trusted
    on
        corrected.caused_article_id = trusted.article_id
        and coalesce(corrected.count_site_id, corrected.erp_site_id, corrected.ledger_site_id) = trusted.site_id
