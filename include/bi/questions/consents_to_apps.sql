-- Which apps were given permissions, by whom, and which?
WITH grants AS (
  SELECT
    id, activity_date_time, tenant_id,
    max(target_display_name) FILTER (target_type = 'ServicePrincipal') AS app,
    bool_or(lower(new_text) = 'true') FILTER (property = 'ConsentContext.IsAdminConsent')
      AS for_everybody,
    string_agg(
      coalesce(nullif(regexp_extract(new_text, 'Scope: *([^,\]]*)', 1), ''), new_text), ' '
    ) FILTER (property IN (
      'ConsentAction.Permissions', 'DelegatedPermissionGrant.Scope', 'AppRole.Value'
    )) AS permissions
  FROM audit_changes
  GROUP BY ALL
)
SELECT
  a.activity_date_time,
  a.activity_display_name AS activity,
  coalesce(
    nullif(a.initiated_by_user_user_principal_name, ''), a.initiated_by_app_display_name
  ) AS granted_by,
  coalesce(
    g.app, list_filter(a.target_resources, lambda t: t.type = 'ServicePrincipal')[1].display_name
  ) AS app,
  trim(g.permissions) AS permissions,
  g.for_everybody,
  a.result
FROM directory_audits AS a
LEFT JOIN grants AS g USING (tenant_id, id, activity_date_time)
WHERE a.activity_display_name IN (
  'Consent to application',
  'Add delegated permission grant',
  'Add OAuth2PermissionGrant',
  'Add app role assignment to service principal'
)
ORDER BY a.activity_date_time DESC, a.id
