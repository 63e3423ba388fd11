-- Every append-only row carries the sequence of the audit entry that wrote it; the latest row has the highest.
-- Instants are TIMESTAMP in UTC: the Python client needs a further package to fetch TIMESTAMPTZ.

CREATE TABLE append_only_guard (refused INTEGER);

CREATE TABLE audit (
    sequence BIGINT PRIMARY KEY CHECK (sequence > 0),
    entered_at TIMESTAMP NOT NULL,
    actor VARCHAR NOT NULL CHECK (length(actor) > 0),
    action VARCHAR NOT NULL CHECK (length(action) > 0),
    subject VARCHAR NOT NULL,
    reason VARCHAR,
    details_json VARCHAR NOT NULL,
    previous_hash VARCHAR NOT NULL UNIQUE,
    entry_hash VARCHAR NOT NULL UNIQUE
);

CREATE TABLE reader (
    sequence BIGINT PRIMARY KEY,
    reader_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    roles VARCHAR NOT NULL,
    seen_at TIMESTAMP NOT NULL
);

CREATE TABLE slide (
    sequence BIGINT PRIMARY KEY,
    slide_id VARCHAR NOT NULL UNIQUE,
    name VARCHAR NOT NULL,
    width_px BIGINT NOT NULL CHECK (width_px > 0),
    height_px BIGINT NOT NULL CHECK (height_px > 0),
    bounds_x_px BIGINT NOT NULL,
    bounds_y_px BIGINT NOT NULL,
    bounds_width_px BIGINT NOT NULL CHECK (bounds_width_px > 0),
    bounds_height_px BIGINT NOT NULL CHECK (bounds_height_px > 0),
    mpp_x DOUBLE CHECK (mpp_x > 0),
    mpp_y DOUBLE CHECK (mpp_y > 0),
    objective_power DOUBLE,
    vendor VARCHAR NOT NULL,
    has_icc_profile BOOLEAN NOT NULL,
    notes_json VARCHAR NOT NULL,
    is_demo BOOLEAN NOT NULL,
    registered_at TIMESTAMP NOT NULL,
    CHECK ((mpp_x IS NULL) = (mpp_y IS NULL))
);

CREATE TABLE slide_place (
    sequence BIGINT PRIMARY KEY,
    slide_id VARCHAR NOT NULL REFERENCES slide (slide_id),
    path VARCHAR NOT NULL,
    source_path VARCHAR NOT NULL,
    stamp_bytes BIGINT NOT NULL,
    stamp_modified_ns BIGINT NOT NULL
);

CREATE TABLE slide_provenance (
    sequence BIGINT PRIMARY KEY,
    slide_id VARCHAR NOT NULL REFERENCES slide (slide_id),
    subject VARCHAR,
    site VARCHAR,
    stain_batch VARCHAR,
    scanner VARCHAR,
    study_group VARCHAR,
    further_json VARCHAR NOT NULL
);

CREATE TABLE slide_mpp (
    sequence BIGINT PRIMARY KEY,
    slide_id VARCHAR NOT NULL REFERENCES slide (slide_id),
    mpp_x DOUBLE NOT NULL CHECK (mpp_x > 0),
    mpp_y DOUBLE NOT NULL CHECK (mpp_y > 0),
    stated_by VARCHAR NOT NULL,
    stated_at TIMESTAMP NOT NULL
);

CREATE TABLE refusal (
    sequence BIGINT PRIMARY KEY,
    path VARCHAR NOT NULL,
    reason VARCHAR NOT NULL CHECK (length(reason) > 0),
    refused_at TIMESTAMP NOT NULL
);

CREATE TABLE model (
    sequence BIGINT PRIMARY KEY,
    model_id VARCHAR NOT NULL UNIQUE,
    name VARCHAR NOT NULL,
    folder VARCHAR NOT NULL,
    checkpoint_sha256 VARCHAR NOT NULL UNIQUE CHECK (length(checkpoint_sha256) = 64),
    recipe_hash VARCHAR NOT NULL,
    recipe_json VARCHAR NOT NULL,
    is_demo BOOLEAN NOT NULL,
    card_json VARCHAR NOT NULL,
    registered_at TIMESTAMP NOT NULL
);

CREATE TABLE run (
    sequence BIGINT PRIMARY KEY,
    run_id VARCHAR NOT NULL UNIQUE,
    slide_id VARCHAR NOT NULL REFERENCES slide (slide_id),
    model_id VARCHAR NOT NULL REFERENCES model (model_id),
    recipe_hash VARCHAR NOT NULL,
    call_json VARCHAR,
    n_patches BIGINT NOT NULL CHECK (n_patches >= 0),
    n_excluded BIGINT NOT NULL CHECK (n_excluded >= 0),
    n_failed BIGINT NOT NULL CHECK (n_failed >= 0),
    seconds DOUBLE NOT NULL CHECK (seconds >= 0),
    device VARCHAR NOT NULL,
    code_version VARCHAR NOT NULL,
    finished_at TIMESTAMP NOT NULL,
    content_sha256 VARCHAR NOT NULL
);

CREATE TABLE read (
    sequence BIGINT PRIMARY KEY,
    read_id VARCHAR NOT NULL UNIQUE,
    event_id VARCHAR NOT NULL UNIQUE CHECK (length(event_id) BETWEEN 1 AND 100),
    reader_id VARCHAR NOT NULL CHECK (length(reader_id) > 0),
    slide_id VARCHAR NOT NULL REFERENCES slide (slide_id),
    patch_index BIGINT CHECK (patch_index >= 0),
    recipe_hash VARCHAR,
    disposition VARCHAR NOT NULL
        CHECK (disposition IN ('accepted', 'corrected', 'staged', 'deferred', 'excluded', 'withdrawn')),
    stage VARCHAR CHECK (stage IN ('0', '1a', '1b', '1c', '2', '3', '4')),
    confidence INTEGER CHECK (confidence BETWEEN 1 AND 3),
    comment VARCHAR CHECK (length(comment) BETWEEN 1 AND 2000),
    sight_call VARCHAR CHECK (sight_call IN ('0', '1a', '1b', '1c', '2', '3', '4')),
    sight_model_run VARCHAR REFERENCES run (run_id),
    sight_heatmap BOOLEAN NOT NULL,
    sight_saliency BOOLEAN NOT NULL,
    sight_mode VARCHAR NOT NULL,
    replaces VARCHAR UNIQUE REFERENCES read (read_id),
    undoes VARCHAR UNIQUE REFERENCES read (read_id),
    read_at TIMESTAMP NOT NULL,
    CHECK ((patch_index IS NULL) = (recipe_hash IS NULL)),
    CHECK (disposition NOT IN ('accepted', 'corrected', 'staged') OR stage IS NOT NULL),
    CHECK (disposition <> 'accepted' OR (sight_call IS NOT NULL AND stage = sight_call)),
    CHECK (disposition <> 'corrected' OR (sight_call IS NOT NULL AND stage <> sight_call)),
    CHECK (disposition <> 'staged' OR sight_call IS NULL),
    CHECK (disposition <> 'withdrawn' OR stage IS NULL)
);

CREATE TABLE preference (
    sequence BIGINT PRIMARY KEY,
    reader_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    chosen VARCHAR NOT NULL,
    chosen_at TIMESTAMP NOT NULL
);

CREATE TABLE setting (
    sequence BIGINT PRIMARY KEY,
    name VARCHAR NOT NULL,
    chosen_json VARCHAR NOT NULL,
    chosen_by VARCHAR NOT NULL,
    chosen_at TIMESTAMP NOT NULL
);

CREATE TABLE training_set (
    sequence BIGINT PRIMARY KEY,
    set_id VARCHAR NOT NULL UNIQUE,
    content_sha256 VARCHAR NOT NULL CHECK (length(content_sha256) = 64),
    path VARCHAR NOT NULL,
    created_by VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    manifest_json VARCHAR NOT NULL
);

-- The queue: the one table that changes in place. Who asked and how it ended is in the audit, the outcome in run.
CREATE TABLE job (
    run_id VARCHAR PRIMARY KEY,
    slide_id VARCHAR NOT NULL,
    model_id VARCHAR NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    n_done BIGINT NOT NULL CHECK (n_done >= 0),
    n_total BIGINT NOT NULL CHECK (n_total >= 0),
    reason VARCHAR,
    requested_by VARCHAR NOT NULL,
    requested_at TIMESTAMP NOT NULL,
    place_in_queue BIGINT NOT NULL
);

CREATE TRIGGER schema_version_is_never_updated AFTER UPDATE ON schema_version FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: schema_version');
CREATE TRIGGER schema_version_is_never_deleted AFTER DELETE ON schema_version FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: schema_version');
CREATE TRIGGER audit_is_never_updated AFTER UPDATE ON audit FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: audit');
CREATE TRIGGER audit_is_never_deleted AFTER DELETE ON audit FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: audit');
CREATE TRIGGER reader_is_never_updated AFTER UPDATE ON reader FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: reader');
CREATE TRIGGER reader_is_never_deleted AFTER DELETE ON reader FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: reader');
CREATE TRIGGER slide_is_never_updated AFTER UPDATE ON slide FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: slide');
CREATE TRIGGER slide_is_never_deleted AFTER DELETE ON slide FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: slide');
CREATE TRIGGER slide_place_is_never_updated AFTER UPDATE ON slide_place FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: slide_place');
CREATE TRIGGER slide_place_is_never_deleted AFTER DELETE ON slide_place FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: slide_place');
CREATE TRIGGER slide_provenance_is_never_updated AFTER UPDATE ON slide_provenance FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: slide_provenance');
CREATE TRIGGER slide_provenance_is_never_deleted AFTER DELETE ON slide_provenance FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: slide_provenance');
CREATE TRIGGER slide_mpp_is_never_updated AFTER UPDATE ON slide_mpp FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: slide_mpp');
CREATE TRIGGER slide_mpp_is_never_deleted AFTER DELETE ON slide_mpp FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: slide_mpp');
CREATE TRIGGER refusal_is_never_updated AFTER UPDATE ON refusal FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: refusal');
CREATE TRIGGER refusal_is_never_deleted AFTER DELETE ON refusal FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: refusal');
CREATE TRIGGER model_is_never_updated AFTER UPDATE ON model FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: model');
CREATE TRIGGER model_is_never_deleted AFTER DELETE ON model FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: model');
CREATE TRIGGER run_is_never_updated AFTER UPDATE ON run FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: run');
CREATE TRIGGER run_is_never_deleted AFTER DELETE ON run FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: run');
CREATE TRIGGER read_is_never_updated AFTER UPDATE ON read FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: read');
CREATE TRIGGER read_is_never_deleted AFTER DELETE ON read FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: read');
CREATE TRIGGER preference_is_never_updated AFTER UPDATE ON preference FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: preference');
CREATE TRIGGER preference_is_never_deleted AFTER DELETE ON preference FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: preference');
CREATE TRIGGER setting_is_never_updated AFTER UPDATE ON setting FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: setting');
CREATE TRIGGER setting_is_never_deleted AFTER DELETE ON setting FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: setting');
CREATE TRIGGER training_set_is_never_updated AFTER UPDATE ON training_set FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: training_set');
CREATE TRIGGER training_set_is_never_deleted AFTER DELETE ON training_set FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: training_set');
