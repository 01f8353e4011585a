{#- A comma-separated list of conflict codes as words. No text may hold another code. -#}
{% macro conflict_reasons(codes) -%}
{%- set reasons = {
    'issue_before_receipt': 'moved before it was received',
    'never_received': 'moved without ever having been received',
    'in_two_places': 'received while in stock at another site',
    'received_twice': 'received while in stock at the same site',
    'sold_twice': 'sold while with a customer',
    'returned_without_sale': 'returned though not sold',
    'received_while_with_customer': 'received while with a customer',
    'received_after_issue': 'received though it had left for good',
    'moved_while_in_transit': 'moved while on its way',
    'moved_while_not_in_stock': 'moved while not in stock',
    'received_at_wrong_site': 'received at another site than it was sent to',
    'moved_from_wrong_site': 'moved from another site than it was at',
    'moved_from_wrong_storage_location': 'moved from another storage location than it was at',
    'reversal_without_original': 'taken back without a movement to take back',
    'unknown_movement_type': 'moved by an unknown movement type',
} -%}
{%- set found = namespace(text="replace(" ~ codes ~ ", ',', '; ')") -%}
{%- for code, reason in reasons.items() -%}
    {%- set found.text = "replace(" ~ found.text ~ ", '" ~ code ~ "', '" ~ reason ~ "')" -%}
{%- endfor -%}
{{ found.text }}
{%- endmacro %}
