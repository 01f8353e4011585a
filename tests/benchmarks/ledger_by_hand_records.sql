-- What an engineer would write who needs the histories, cards and stays of all units once, and nothing else: no increments, no
-- evidence, no feeds but these two. First: records, cleaned.
create or replace table records as
select
    hash(article_id, serial_number) as unit_hash, *
from (
    select
        1 as priority,
        'sap' as source_name,
        coalesce(nullif(trim(ref_doc_no), ''), docnum) as document_id,
        case when ltrim(trim(material), '0123456789') = '' then ltrim(trim(material), '0') else upper(trim(material)) end as article_id,
        case when ltrim(trim(serialno), '0123456789') = '' then ltrim(trim(serialno), '0') else upper(trim(serialno)) end as serial_number,
        trim(plant) as site_id,
        nullif(trim(stge_loc), '') as storage_location_id,
        nullif(trim(move_plant), '') as to_site_id,
        nullif(trim(move_stloc), '') as to_storage_location_id,
        ltrim(trim(vendor), '0') as vendor_id,
        ltrim(trim(customer), '0') as customer_id,
        nullif(trim(batch), '') as batch_id,
        move_type as movement_type,
        pstng_date,
        credat + to_seconds(
            cast(substr(cretim, 1, 2) as bigint) * 3600 + cast(substr(cretim, 3, 2) as bigint) * 60 + cast(substr(cretim, 5, 2) as bigint)
        ) as known_at
    from delta_scan(getvariable('goods_movements'))
    where serialno is not null
    union all
    select
        5, 'handheld', document_id, article, serial_number, site, storage_location, null, null, null, null, null, '101',
        scanned_at::date, scanned_at
    from delta_scan(getvariable('scans'))
    where action = 'receive'
);
create or replace table serial_movements_by_hand (
    unit_hash ubigint, article_id varchar, serial_number varchar, sequence_number integer, document_id varchar, movement_type varchar,
    from_site_id varchar, from_storage_location_id varchar, to_site_id varchar, to_storage_location_id varchar, unit_state varchar,
    status_code varchar, stock_type_code varchar, special_stock_code varchar, batch_id varchar, valuation_type varchar,
    vendor_id varchar, customer_id varchar, is_conflict boolean, witness_count integer, witness_names varchar, is_reversal boolean,
    movement_date date, moved_at timestamp
);
create or replace table serials_by_hand (
    article_id varchar, serial_number varchar, status_code varchar, unit_state varchar, conflict_count bigint, site_id varchar,
    storage_location_id varchar, stock_type_code varchar, special_stock_code varchar, batch_id varchar, vendor_id varchar,
    customer_id varchar, first_movement_date date, last_movement_date date, last_moved_at timestamp, last_movement_type varchar,
    last_document_id varchar, movement_count integer
);
create or replace table serial_stays_by_hand (
    article_id varchar, serial_number varchar, stay_number integer, unit_state varchar, site_id varchar, storage_location_id varchar,
    stock_type_code varchar, special_stock_code varchar, vendor_id varchar, customer_id varchar, is_current boolean,
    valid_from_at timestamp, valid_to_at timestamp
);
