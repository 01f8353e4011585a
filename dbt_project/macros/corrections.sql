{#-
    Movement type that would bring the books to where the unit is, by cause; NULL where a person must look first. What is written
    off or found is posted by the stock type in which the unit stands, a transfer's other half by its stock type in transit.
-#}
{% macro correcting_movement_type() %}
    case
        when cause_code = 'unknown_serial' then '501'
        when cause_code = 'wrong_site' then '301'
        when cause_code = 'wrong_storage_location' then '311'
        when cause_code = 'short' then case ledger_stock_type_code when '02' then '704' when '07' then '708' else '702' end
        when cause_code = 'overage' then '701'
        when cause_code = 'non_transferred' then {{ missing_half_of_transfer() }}
        when cause_code = 'status_conflict' and is_erp_against_ledger then
            case
                when is_in_erp_stock and ledger_unit_state = 'in_stock' then {{ stock_type_change() }}
                -- The ERP lacks the movement that the ledger knows last.
                else ledger_movement_type
            end
    end
{% endmacro %}

{#- Found where it was to go: the placement. Found elsewhere: the removal taken back. Placed in the ledger alone: the placement. -#}
{% macro missing_half_of_transfer() %}
    case
        when count_result_code = 'surplus' and count_site_id <> ledger_site_id
            then case ledger_stock_type_code when '05' then '304' when '04' then '314' else '642' end
        when coalesce(ledger_unit_state, '') = 'in_transit' and count_result_code is null
            then case ledger_stock_type_code when '05' then '303' when '04' then '313' else '641' end
        else case coalesce(erp_stock_type_code, ledger_stock_type_code) when '05' then '305' when '04' then '315' else '101' end
    end
{% endmacro %}

{#- From the stock type that the ERP has to the one that the ledger knows. -#}
{% macro stock_type_change() %}
    case erp_stock_type_code || ledger_stock_type_code
        when '0201' then '321' when '0102' then '322'
        when '0701' then '343' when '0107' then '344'
        when '0702' then '349' when '0207' then '350'
        when '0301' then '453' when '0103' then '454'
    end
{% endmacro %}

{#- The cause as a sentence that names what each of the three says. -#}
{% macro cause_in_words() %}
    concat_ws(
        '; ',
        case when corrected.ledger_unit_state is not null or corrected.is_in_ledger then
            'ledger: ' || concat_ws(
                ' ', corrected.ledger_unit_state, corrected.ledger_site_id, corrected.ledger_storage_location_id
            )
            else 'ledger: unknown'
        end,
        case
            when corrected.erp_equipment_id is null then 'ERP: unknown'
            when corrected.is_in_erp_stock then
                'ERP: stock type ' || concat_ws(
                    ' ', corrected.erp_stock_type_code, corrected.erp_site_id, corrected.erp_storage_location_id
                )
            else 'ERP: not in stock'
        end || coalesce(' (' || corrected.erp_status_codes || ')', ''),
        case corrected.count_result_code
            when 'missing' then 'count ' || corrected.count_document_id || ': not found at ' || corrected.count_site_id
            when 'surplus' then 'count ' || corrected.count_document_id || ': found at ' || concat_ws(
                ' ', corrected.count_site_id, corrected.count_storage_location_id
            )
        end,
        case when corrected.profile_from_site_id is not null then
            'serial number profile ' || coalesce(corrected.from_profile_code, 'none') || ' at ' || corrected.profile_from_site_id
            || ', ' || coalesce(corrected.to_profile_code, 'none') || ' at ' || corrected.profile_to_site_id
        end
    )
{% endmacro %}
