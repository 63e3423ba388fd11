-- Reader studies: each version of a protocol, each step of a read. Lists are dealt from the versions, not stored.

CREATE TABLE study_version (
    sequence BIGINT PRIMARY KEY,
    study_id VARCHAR NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    protocol_json VARCHAR NOT NULL,
    reason VARCHAR CHECK (length(reason) > 0),
    made_by VARCHAR NOT NULL CHECK (length(made_by) > 0),
    made_at TIMESTAMP NOT NULL,
    UNIQUE (study_id, number),
    CHECK ((number = 1) = (reason IS NULL))
);

CREATE TABLE study_event (
    sequence BIGINT PRIMARY KEY,
    event_id VARCHAR NOT NULL UNIQUE CHECK (length(event_id) BETWEEN 1 AND 100),
    study_id VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    entry_id VARCHAR NOT NULL,
    reader_id VARCHAR NOT NULL CHECK (length(reader_id) > 0),
    kind VARCHAR NOT NULL
        CHECK (kind IN ('opened', 'deferred', 'first read', 'reveal', 'final read', 'amendment')),
    happened_at TIMESTAMP NOT NULL,
    stage VARCHAR CHECK (stage IN ('0', '1', '1a', '1b', '1c', '2', '3', '4')),
    confidence INTEGER CHECK (confidence BETWEEN 1 AND 3),
    comment VARCHAR CHECK (length(comment) BETWEEN 1 AND 2000),
    reason_code VARCHAR,
    reason VARCHAR CHECK (length(reason) BETWEEN 1 AND 2000),
    seen_call VARCHAR,
    seen_model_run VARCHAR REFERENCES run (run_id),
    seen_heatmap BOOLEAN NOT NULL,
    seen_saliency BOOLEAN NOT NULL,
    seen_coverage DOUBLE CHECK (seen_coverage BETWEEN 0 AND 1),
    active_s DOUBLE CHECK (active_s >= 0),
    guide_version INTEGER,
    printed_name VARCHAR,
    meaning VARCHAR CHECK (meaning IN ('read', 'reviewed', 'adjudicated', 'approved')),
    signed_sha256 VARCHAR CHECK (length(signed_sha256) = 64),
    once VARCHAR UNIQUE,
    FOREIGN KEY (study_id, version) REFERENCES study_version (study_id, number),
    CHECK (kind NOT IN ('first read', 'final read', 'amendment') OR (stage IS NOT NULL AND signed_sha256 IS NOT NULL)),
    CHECK (kind <> 'amendment' OR reason IS NOT NULL),
    CHECK (kind <> 'first read' OR (seen_call IS NULL AND seen_model_run IS NULL)),
    CHECK ((once IS NOT NULL) = (kind IN ('first read', 'reveal', 'final read')))
);

-- What is entered and not signed: changes in place, and is no record.
CREATE TABLE study_draft (
    entry_id VARCHAR PRIMARY KEY,
    reader_id VARCHAR NOT NULL,
    content_json VARCHAR NOT NULL CHECK (length(content_json) <= 20000),
    kept_at TIMESTAMP NOT NULL
);

CREATE TRIGGER study_version_is_never_updated AFTER UPDATE ON study_version FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: study_version');
CREATE TRIGGER study_version_is_never_deleted AFTER DELETE ON study_version FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: study_version');
CREATE TRIGGER study_event_is_never_updated AFTER UPDATE ON study_event FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: study_event');
CREATE TRIGGER study_event_is_never_deleted AFTER DELETE ON study_event FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: study_event');
