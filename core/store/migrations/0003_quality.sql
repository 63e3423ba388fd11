-- What the quality gate says of a slide as a whole, and which gate it was. NULL: run before there was a verdict.

ALTER TABLE run ADD COLUMN concerns_json VARCHAR;
ALTER TABLE run ADD COLUMN quality_version VARCHAR;

-- Patches that the gate left out and a reader brought back, and the taking back of that. The last row of a reader for a
-- patch stands.
CREATE TABLE bringing_back (
    sequence BIGINT PRIMARY KEY,
    event_id VARCHAR NOT NULL UNIQUE CHECK (length(event_id) BETWEEN 1 AND 100),
    reader_id VARCHAR NOT NULL CHECK (length(reader_id) > 0),
    run_id VARCHAR NOT NULL REFERENCES run (run_id),
    patch_index BIGINT NOT NULL CHECK (patch_index >= 0),
    is_back BOOLEAN NOT NULL,
    state VARCHAR NOT NULL CHECK (length(state) > 0),
    reason VARCHAR NOT NULL CHECK (length(reason) > 0),
    decided_at TIMESTAMP NOT NULL
);

CREATE TRIGGER bringing_back_is_never_updated AFTER UPDATE ON bringing_back FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: bringing_back');
CREATE TRIGGER bringing_back_is_never_deleted AFTER DELETE ON bringing_back FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: bringing_back');
