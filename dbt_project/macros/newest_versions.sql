{#-
    One row per document that came in several versions: version_hash, newest_file, and replaced_at, when the newest came.
    The records of one version come in one file, so a file tells a version from another. `among` names a relation that limits
    the documents looked at; none: all.
-#}
{% macro newest_versions(records, among=none) %}
    select
        version_hash,
        file as newest_file,
        ingested_at as replaced_at
    from (
        select
            version_hash,
            file,
            ingested_at,
            row_number() over (
                partition by version_hash order by record_created_at desc nulls last, ingested_at desc, file desc
            ) as version_age
        from {{ records }}
        where version_hash in (
            select version_hash from {{ records }}
            where
                version_hash is not null
                {%- if among %}
                and version_hash in (select version_hash from {{ among }})
                {%- endif %}
            group by version_hash
            having min({{ row_hash(['file']) }}) <> max({{ row_hash(['file']) }})
        )
    ) as ordered_versions
    where version_age = 1
{% endmacro %}
