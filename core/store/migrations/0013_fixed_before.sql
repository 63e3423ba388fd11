-- What is fixed before a candidate is examined, found beside it, and overridden. Tables of their own, each row with the
-- sequence of the row that it belongs to: DuckDB 2.0.0 cannot replay a column added to a table with a CHECK that calls
-- trim(), so that a store whose process was killed before its checkpoint would not open again.

-- The margin that the lower bound of a difference in kappa must exceed, fixed with the test; no row: frozen before that,
-- when 0 was the margin.
CREATE TABLE frozen_test_margin (
    sequence BIGINT PRIMARY KEY,
    margin DOUBLE NOT NULL CHECK (margin >= 0)
);

CREATE TRIGGER frozen_test_margin_is_never_updated AFTER UPDATE ON frozen_test_margin FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: frozen_test_margin');
CREATE TRIGGER frozen_test_margin_is_never_deleted AFTER DELETE ON frozen_test_margin FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: frozen_test_margin');

-- The hand-crafted baseline on the test animals of an examination that finished; no row: it came before that.
CREATE TABLE examination_baseline (
    sequence BIGINT PRIMARY KEY,
    baseline_json VARCHAR NOT NULL
);

CREATE TRIGGER examination_baseline_is_never_updated AFTER UPDATE ON examination_baseline FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: examination_baseline');
CREATE TRIGGER examination_baseline_is_never_deleted AFTER DELETE ON examination_baseline FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: examination_baseline');

-- What the evidence said against a decision that overrides it; no row: nothing.
CREATE TABLE model_decision_against (
    sequence BIGINT PRIMARY KEY,
    against VARCHAR NOT NULL
);

CREATE TRIGGER model_decision_against_is_never_updated AFTER UPDATE ON model_decision_against FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: model_decision_against');
CREATE TRIGGER model_decision_against_is_never_deleted AFTER DELETE ON model_decision_against FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: model_decision_against');
