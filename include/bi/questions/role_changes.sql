-- Who was given a directory role, or lost one, and by whom?
WITH roles AS (
  SELECT
    tenant_id, id, activity_date_time,
    max(coalesce(nullif(new_text, ''), old_text)) AS role
  FROM audit_changes
  WHERE property = 'Role.DisplayName'
  GROUP BY ALL
)
SELECT
  a.activity_date_time,
  a.activity_display_name AS activity,
  coalesce(
    r.role, list_filter(a.target_resources, lambda t: t.type = 'Role')[1].display_name
  ) AS role,
  coalesce(
    nullif(member.user_principal_name, ''), nullif(member.display_name, ''), member.id
  ) AS member,
  coalesce(
    nullif(a.initiated_by_user_user_principal_name, ''), a.initiated_by_app_display_name
  ) AS changed_by,
  a.result
FROM (
  SELECT *, list_filter(target_resources, lambda t: t.type <> 'Role')[1] AS member
  FROM directory_audits
  WHERE category = 'RoleManagement' OR activity_display_name ILIKE '%member%role%'
) AS a
LEFT JOIN roles AS r USING (tenant_id, id, activity_date_time)
ORDER BY a.activity_date_time DESC, a.id
