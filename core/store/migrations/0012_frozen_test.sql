-- The frozen test: one row where the test side of a set is declared to be what models are judged by. The last stands.
CREATE TABLE frozen_test (
    sequence BIGINT PRIMARY KEY,
    version INTEGER NOT NULL UNIQUE CHECK (version >= 1),
    set_sha256 VARCHAR NOT NULL CHECK (length(set_sha256) = 64),
    set_path VARCHAR NOT NULL,
    is_demo BOOLEAN NOT NULL,
    n_patches INTEGER NOT NULL CHECK (n_patches >= 1),
    by_stage_json VARCHAR NOT NULL,
    animals_json VARCHAR NOT NULL,
    proof_json VARCHAR NOT NULL,
    reason VARCHAR NOT NULL CHECK (length(trim(reason)) > 0),
    actor VARCHAR NOT NULL CHECK (length(actor) > 0),
    frozen_at TIMESTAMP NOT NULL
);

CREATE TRIGGER frozen_test_is_never_updated AFTER UPDATE ON frozen_test FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: frozen_test');
CREATE TRIGGER frozen_test_is_never_deleted AFTER DELETE ON frozen_test FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: frozen_test');

-- Examinations: one row where one begins and one where it ends. The last row of an examination stands; one that only
-- begins was cut off. The verdict that a decision rests on is here, and so are the hashes of the files that show it.
CREATE TABLE examination_event (
    sequence BIGINT PRIMARY KEY,
    examination_id VARCHAR NOT NULL,
    model_id VARCHAR NOT NULL REFERENCES model (model_id),
    served_id VARCHAR REFERENCES model (model_id),
    status VARCHAR NOT NULL CHECK (status IN ('begun', 'finished', 'failed', 'cancelled')),
    set_path VARCHAR NOT NULL,
    set_sha256 VARCHAR NOT NULL,
    test_version INTEGER REFERENCES frozen_test (version),
    margin DOUBLE NOT NULL CHECK (margin >= 0),
    n_permutations INTEGER NOT NULL,
    n_candidates INTEGER NOT NULL,
    folder VARCHAR NOT NULL,
    animals_json VARCHAR NOT NULL,
    verdict_json VARCHAR,
    evaluation_sha256 VARCHAR,
    card_sha256 VARCHAR,
    is_seen BOOLEAN NOT NULL,
    reason VARCHAR,
    actor VARCHAR NOT NULL CHECK (length(actor) > 0),
    happened_at TIMESTAMP NOT NULL,
    CHECK ((status = 'finished') = (evaluation_sha256 IS NOT NULL)),
    CHECK ((status = 'finished') = (card_sha256 IS NOT NULL)),
    CHECK (verdict_json IS NULL OR status = 'finished')
);

CREATE TRIGGER examination_event_is_never_updated AFTER UPDATE ON examination_event FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: examination_event');
CREATE TRIGGER examination_event_is_never_deleted AFTER DELETE ON examination_event FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: examination_event');
