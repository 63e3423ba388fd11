-- Which model serves new runs: one row where somebody puts one into service or retires one. The last model put into
-- service serves; every other that ever did, or was retired, is retired; the rest are candidates.
CREATE TABLE model_decision (
    sequence BIGINT PRIMARY KEY,
    model_id VARCHAR NOT NULL REFERENCES model (model_id),
    status VARCHAR NOT NULL CHECK (status IN ('served', 'retired')),
    reason VARCHAR NOT NULL CHECK (length(trim(reason)) > 0),
    evidence_json VARCHAR,
    is_override BOOLEAN NOT NULL,
    signed_as VARCHAR,
    actor VARCHAR NOT NULL CHECK (length(actor) > 0),
    decided_at TIMESTAMP NOT NULL,
    CHECK (NOT is_override OR signed_as IS NOT NULL)
);

CREATE TRIGGER model_decision_is_never_updated AFTER UPDATE ON model_decision FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: model_decision');
CREATE TRIGGER model_decision_is_never_deleted AFTER DELETE ON model_decision FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: model_decision');
