-- Who signed in from two places that no aeroplane joins in the time between? Successful sign-ins
-- of one user, one after the other, more than 500 km apart and faster than 900 km/h: how many such
-- moves, and the worst of them.
-- (A VPN or a proxy looks the same: read the addresses.)
WITH steps AS (
  SELECT
    tenant_id, user_id, user_principal_name, created_date_time AS signed_in, ip_address,
    location_city AS city, location_country_or_region AS country,
    location_geo_coordinates_latitude AS latitude,
    location_geo_coordinates_longitude AS longitude,
    lag(created_date_time) OVER step AS signed_in_before,
    lag(ip_address) OVER step AS ip_address_before,
    lag(location_city) OVER step AS city_before,
    lag(location_country_or_region) OVER step AS country_before,
    lag(location_geo_coordinates_latitude) OVER step AS latitude_before,
    lag(location_geo_coordinates_longitude) OVER step AS longitude_before
  FROM sign_ins
  WHERE status_error_code = 0
    AND location_geo_coordinates_latitude IS NOT NULL
    AND location_geo_coordinates_longitude IS NOT NULL
  WINDOW step AS (PARTITION BY tenant_id, user_id ORDER BY created_date_time, id)
),
moves AS (
  SELECT
    *,
    epoch(signed_in - signed_in_before) / 3600 AS hours,
    12742 * asin(sqrt(least(1,
      pow(sin(radians(latitude - latitude_before) / 2), 2)
      + cos(radians(latitude_before)) * cos(radians(latitude))
      * pow(sin(radians(longitude - longitude_before) / 2), 2)
    ))) AS km
  FROM steps
  WHERE latitude <> latitude_before OR longitude <> longitude_before
),
users AS (
  SELECT count(*) AS moves, arg_max(m, km - 900 * hours) AS worst
  FROM moves AS m
  WHERE km > 500 AND km > 900 * hours
  GROUP BY tenant_id, user_id
)
SELECT
  worst.user_principal_name,
  moves,
  worst.signed_in_before, worst.city_before, worst.country_before, worst.ip_address_before,
  worst.signed_in, worst.city, worst.country, worst.ip_address,
  round(worst.km)::INTEGER AS km,
  round(worst.hours, 2) AS hours
FROM users
ORDER BY worst.km - 900 * worst.hours DESC, worst.user_principal_name
