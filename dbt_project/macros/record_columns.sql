{#- What every source tells of a movement, whether of a unit or of a quantity; int_records_from_... have these columns. -#}
{% macro record_columns() -%}
    {{ return([
        'source_name', 'source_priority', 'record_id', 'version_id', 'record_created_at', 'movement_type', 'line_role',
        'document_id', 'document_item', 'article_id', 'serial_number', 'movement_date', 'moved_at', 'site_id',
        'storage_location_id', 'to_site_id', 'to_storage_location_id', 'stock_type_code', 'special_stock_code', 'batch_id',
        'valuation_type', 'vendor_id', 'customer_id', 'sales_order_id', 'purchase_order_id', 'delivery_id',
        'material_document_id', 'reverses_document_id', 'reverses_document_item', 'file', 'line', 'ingested_at',
    ]) }}
{%- endmacro %}
