-- Regions drawn on slides. The last row of a region stands; a change is a new row that names the one it replaces.
CREATE TABLE region (
    sequence BIGINT PRIMARY KEY,
    event_id VARCHAR NOT NULL UNIQUE CHECK (length(event_id) BETWEEN 1 AND 120),
    region_id VARCHAR NOT NULL CHECK (length(region_id) = 36),
    reader_id VARCHAR NOT NULL CHECK (length(reader_id) > 0),
    slide_id VARCHAR NOT NULL REFERENCES slide (slide_id),
    action VARCHAR NOT NULL CHECK (action IN ('drawn', 'changed', 'removed', 'imported', 'undone')),
    is_removed BOOLEAN NOT NULL,
    shape_json VARCHAR NOT NULL,
    stage VARCHAR CHECK (stage IN ('0', '1a', '1b', '1c', '2', '3', '4')),
    is_excluded BOOLEAN NOT NULL,
    comment VARCHAR CHECK (length(comment) BETWEEN 1 AND 2000),
    further_json VARCHAR NOT NULL,
    replaces VARCHAR UNIQUE REFERENCES region (event_id),
    undoes VARCHAR UNIQUE REFERENCES region (event_id),
    done_at TIMESTAMP NOT NULL,
    CHECK (stage IS NULL OR NOT is_excluded),
    CHECK (action <> 'removed' OR is_removed),
    CHECK ((action = 'undone') = (undoes IS NOT NULL))
);

CREATE TRIGGER region_is_never_updated AFTER UPDATE ON region FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: region');
CREATE TRIGGER region_is_never_deleted AFTER DELETE ON region FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: region');
