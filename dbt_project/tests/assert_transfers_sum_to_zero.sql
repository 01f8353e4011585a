-- What a transfer takes from one stock it adds to another: the lines of its material document sum to zero.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_material_document_lines'}}}) }}

select
    document_lines.material_document_id,
    document_lines.movement_type,
    document_lines.article_id,
    sum(case document_lines.debit_credit_code when 'S' then document_lines.quantity else -document_lines.quantity end) as balance
from {{ ref('int_material_document_lines') }} as document_lines
inner join {{ ref('movement_types') }} as movement_types
    on document_lines.movement_type = movement_types.movement_type and movement_types.line_role = 'main'
where
    not document_lines.is_deleted
    and movement_types.direction = 'transfer'
    -- Across companies, and without a delivery, the goods under way belong to nobody's stock.
    and document_lines.movement_type not in ('351', '352', '643', '644')
group by document_lines.material_document_id, document_lines.movement_type, document_lines.article_id
having sum(case document_lines.debit_credit_code when 'S' then document_lines.quantity else -document_lines.quantity end) <> 0
