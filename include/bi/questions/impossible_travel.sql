-- Who signed in from two places that no aeroplane joins in the time between? Successful sign-ins
-- of one user, one after the other, more than 500 km apart and faster than 900 km/h.
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
)
SELECT
  user_principal_name,
  signed_in_before, city_before, country_before, ip_address_before,
  signed_in, city, country, ip_address,
  round(km)::INTEGER AS km,
  round(hours, 2) AS hours
FROM moves
WHERE km > 500 AND km > 900 * hours
ORDER BY km - 900 * hours DESC, signed_in, user_principal_name
