-- Which accounts has nobody used for a while? Accounts that the lake knows (from any sign-in, or
-- from being created) without a success in the last dormant_days before the lake's newest sign-in.
-- Tries since then are somebody else's, perhaps. Variable: dormant_days.
WITH newest AS (
  SELECT max(created_date_time) AS seen FROM sign_ins
),
used AS (
  SELECT
    tenant_id, user_id,
    arg_max(user_principal_name, created_date_time) AS user_principal_name,
    max(created_date_time) FILTER (status_error_code = 0) AS last_success,
    max(created_date_time) AS last_attempt,
    count(*) FILTER (status_error_code <> 0) AS failures
  FROM sign_ins
  WHERE user_id <> ''
  GROUP BY tenant_id, user_id
),
made AS (
  SELECT
    tenant_id, target.id AS user_id,
    arg_max(target.user_principal_name, activity_date_time) AS user_principal_name,
    max(activity_date_time) FILTER (activity = 'Add user') AS created,
    max(activity_date_time) FILTER (activity = 'Delete user') AS deleted
  FROM (
    SELECT
      tenant_id, activity_date_time, activity_display_name AS activity,
      unnest(target_resources) AS target
    FROM directory_audits
    WHERE activity_display_name IN ('Add user', 'Delete user')
  )
  WHERE target.type = 'User'
  GROUP BY ALL
)
SELECT
  coalesce(u.user_principal_name, m.user_principal_name) AS user_principal_name,
  u.last_success,
  m.created,
  u.last_attempt,
  coalesce(u.failures, 0) AS failures,
  date_diff('day', coalesce(u.last_success, m.created), newest.seen) AS days
FROM used AS u
FULL JOIN made AS m USING (tenant_id, user_id)
CROSS JOIN newest
WHERE m.deleted IS NULL
  AND coalesce(
    coalesce(u.last_success, m.created) < newest.seen - to_days(getvariable('dormant_days')),
    u.last_attempt IS NOT NULL
  )
ORDER BY days DESC NULLS FIRST, user_principal_name
