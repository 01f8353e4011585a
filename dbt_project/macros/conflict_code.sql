{#- Whether a blank-separated list holds a word. -#}
{% macro list_holds(list, word) %}concat(' ', {{ list }}, ' ') like concat('% ', {{ word }}, ' %'){% endmacro %}

{#-
    Why a movement does not follow from the state before it; NULL where it does. The first reason that applies is given.
    Reads the columns of `compared` in serial_movements; the codes are documented there and in the README.
-#}
{% macro conflict_code() %}
        case
            when not is_known_type then 'unknown_movement_type'
            when state_before is null and {{ list_holds('allowed_states_before', "'new'") }} then null
            when state_before is null and direction = 'receipt' then 'returned_without_sale'
            when state_before is null and is_ever_received then 'issue_before_receipt'
            when state_before is null then 'never_received'
            when not {{ list_holds('allowed_states_before', 'state_before') }}
                then case
                    when is_reversal and movement_type <> '252' then 'reversal_without_original'
                    when state_before = 'in_stock' and direction = 'receipt' and site_before <> placed_site_id
                        then 'in_two_places'
                    when state_before = 'in_stock' and movement_type in ('252', '451', '651', '653', '655', '657')
                        then 'returned_without_sale'
                    when state_before = 'in_stock' and direction = 'receipt' then 'received_twice'
                    when state_before = 'with_customer' and state_after = 'with_customer' then 'sold_twice'
                    when state_before = 'with_customer' and direction = 'receipt' then 'received_while_with_customer'
                    when state_before = 'in_transit' then 'moved_while_in_transit'
                    when direction = 'receipt' then 'received_after_issue'
                    else 'moved_while_not_in_stock'
                end
            -- A unit under way belongs to the site it goes to: there it is received, and from there a reversal takes it back.
            when state_before = 'in_transit' and site_before <> case when is_reversal then from_site_id else placed_site_id end
                then 'received_at_wrong_site'
            when state_before = 'in_stock' and site_before <> from_site_id then 'moved_from_wrong_site'
            when state_before = 'in_stock' and storage_location_before <> from_storage_location_id
                then 'moved_from_wrong_storage_location'
        end
{% endmacro %}
