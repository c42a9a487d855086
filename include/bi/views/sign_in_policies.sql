-- Sign-ins with their Conditional Access policies: one row for each sign-in and policy that was
-- looked at. A sign-in without any policy has one row, with nulls.
CREATE OR REPLACE VIEW sign_in_policies AS
WITH pairs AS (
  SELECT
    * EXCLUDE (applied_conditional_access_policies),
    unnest(
      CASE WHEN len(applied_conditional_access_policies) > 0
        THEN applied_conditional_access_policies ELSE [NULL] END
    ) AS policy
  FROM sign_ins
)
SELECT
  * EXCLUDE (policy),
  policy.id AS policy_id,
  policy.display_name AS policy_display_name,
  policy.result AS policy_result,
  policy.enforced_grant_controls AS policy_enforced_grant_controls,
  policy.enforced_session_controls AS policy_enforced_session_controls
FROM pairs;
