-- What is fixed before a candidate is examined, and found beside it.
-- The margin that the lower bound of a difference in kappa must exceed, fixed with the test; NULL: frozen before that,
-- when 0 was the margin.
ALTER TABLE frozen_test ADD COLUMN margin DOUBLE;

-- The hand-crafted baseline on the same test animals; NULL: the examination did not finish, or came before that.
ALTER TABLE examination_event ADD COLUMN baseline_json VARCHAR;

-- What the evidence said against a decision that overrides it.
ALTER TABLE model_decision ADD COLUMN against VARCHAR;
