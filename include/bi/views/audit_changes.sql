-- Directory audits with one row per changed property of each target. Entra writes the values as
-- JSON text ("\"Global Reader\""): old_text and new_text are what such a text says, old_value and
-- new_value are as they came. Audits that changed no property have no row.
CREATE OR REPLACE VIEW audit_changes AS
WITH targets AS (
  SELECT * EXCLUDE (target_resources), unnest(target_resources) AS target
  FROM directory_audits
),
changes AS (
  SELECT * EXCLUDE (target), target, unnest(target.modified_properties) AS change
  FROM targets
)
SELECT
  * EXCLUDE (target, change),
  target.id AS target_id,
  target.type AS target_type,
  target.display_name AS target_display_name,
  target.user_principal_name AS target_user_principal_name,
  change.display_name AS property,
  change.old_value AS old_value,
  change.new_value AS new_value,
  coalesce(TRY_CAST(change.old_value AS JSON) ->> '$', change.old_value) AS old_text,
  coalesce(TRY_CAST(change.new_value AS JSON) ->> '$', change.new_value) AS new_text
FROM changes;
