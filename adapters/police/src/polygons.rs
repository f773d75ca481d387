//! The polygons of the place's small areas, from a GeoJSON file: which area a point lies in.
//! It never guesses: a point on no polygon has no area, and one on the edge of two is in the first of the file.

use std::{fs, path::Path};

use placehub_delivery::settings::Error;
use serde_json::Value;

/// Polygons with the codes of their areas.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Polygons(Vec<Area>);

/// An area: its code, its bounds, and the rings of its polygons. A point is within if it is within an odd number of rings, so
/// that holes need no name.
#[derive(Debug, Clone, PartialEq)]
struct Area {
    code: String,
    /// West, south, east, north.
    bounds: [f64; 4],
    rings: Vec<Vec<Point>>,
}

/// Longitude and latitude, in degrees (WGS 84, RFC 7946).
type Point = (f64, f64);

impl Polygons {
    /// Reads a GeoJSON file whose features have the code of their area in the property `code`, e.g. `LSOA21CD`.
    ///
    /// # Errors
    ///
    /// [`Error::Beside`] if the file cannot be read or is none of that sort.
    pub fn load(file: &Path, code: &str) -> Result<Self, Error> {
        let beside = |rule: String| Error::Beside {
            file: file.to_path_buf(),
            rule,
        };
        let bytes = fs::read(file).map_err(|error| beside(error.kind().to_string()))?;
        let root =
            serde_json::from_slice(&bytes).map_err(|error| beside(format!("is not JSON: line {}", error.line())))?;
        Self::parse(&root, code).map_err(beside)
    }

    /// Reads GeoJSON.
    ///
    /// # Errors
    ///
    /// The feature, counted from 1, and what is wrong with it.
    pub fn parse(root: &Value, code: &str) -> Result<Self, String> {
        let features = root.get("features").and_then(Value::as_array);
        let features = features.ok_or("is not a GeoJSON FeatureCollection")?;
        let areas = features
            .iter()
            .enumerate()
            .map(|(at, feature)| area(feature, code).map_err(|rule| format!("feature {}: {rule}", at + 1)));
        let areas: Vec<Area> = areas.collect::<Result<_, _>>()?;
        if areas.is_empty() {
            return Err("holds no feature".to_owned());
        }
        Ok(Self(areas))
    }

    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The code of the area that a point lies in.
    pub(crate) fn area(&self, point: Point) -> Option<&str> {
        self.0
            .iter()
            .find(|area| area.holds(point))
            .map(|area| area.code.as_str())
    }
}

impl Area {
    fn holds(&self, (x, y): Point) -> bool {
        let [west, south, east, north] = self.bounds;
        if x < west || x > east || y < south || y > north {
            return false;
        }
        self.rings
            .iter()
            .filter(|ring| crossings(ring, (x, y)) % 2 == 1)
            .count()
            % 2
            == 1
    }
}

/// How often a ray from the point to the east crosses the ring.
fn crossings(ring: &[Point], (x, y): Point) -> usize {
    let ends = ring.iter().zip(ring.iter().cycle().skip(1));
    let crossed = ends.filter(|((x1, y1), (x2, y2))| {
        let spans = (*y1 > y) != (*y2 > y);
        spans && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
    });
    crossed.count()
}

fn area(feature: &Value, code: &str) -> Result<Area, String> {
    let stated = feature
        .pointer("/properties")
        .and_then(|properties| properties.get(code)?.as_str());
    let stated = stated.filter(|stated| crate::format::is_area_code(stated));
    let stated = stated.ok_or_else(|| format!("`{code}` is missing, or is not a GSS code"))?;
    let coordinates = feature.pointer("/geometry/coordinates").and_then(Value::as_array);
    let coordinates = coordinates.ok_or("has no coordinates")?;
    let polygons: Vec<&Value> = match feature.pointer("/geometry/type").and_then(Value::as_str) {
        Some("Polygon") => coordinates.iter().collect(),
        Some("MultiPolygon") => coordinates.iter().filter_map(Value::as_array).flatten().collect(),
        _ => return Err("is neither a Polygon nor a MultiPolygon".to_owned()),
    };
    let rings: Option<Vec<Vec<Point>>> = polygons.into_iter().map(ring).collect();
    let rings = rings.ok_or("has coordinates that are not longitude and latitude")?;
    let points = || rings.iter().flatten();
    let least = |number: fn(&Point) -> f64| points().map(number).fold(f64::INFINITY, f64::min);
    let most = |number: fn(&Point) -> f64| points().map(number).fold(f64::NEG_INFINITY, f64::max);
    Ok(Area {
        code: stated.to_owned(),
        bounds: [least(|it| it.0), least(|it| it.1), most(|it| it.0), most(|it| it.1)],
        rings,
    })
}

fn ring(value: &Value) -> Option<Vec<Point>> {
    let points = value.as_array()?.iter().map(|point| {
        let (x, y) = (point.get(0)?.as_f64()?, point.get(1)?.as_f64()?);
        // Metres of the national grid would be far outside.
        (x.abs() <= 180.0 && y.abs() <= 90.0).then_some((x, y))
    });
    points.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tests::outside_data;

    fn square(west: f64) -> Value {
        let (south, east, north) = (53.0, west + 1.0, 54.0);
        json!([
            [west, south],
            [east, south],
            [east, north],
            [west, north],
            [west, south]
        ])
    }

    fn file(kind: &str, coordinates: &Value) -> Value {
        json!({ "features": [{
            "properties": { "LSOA21CD": "E01000001" },
            "geometry": { "type": kind, "coordinates": coordinates },
        }] })
    }

    #[test]
    fn a_point_is_in_the_area_whose_polygon_holds_it() {
        let hole = json!([[-2.6, 53.4], [-2.4, 53.4], [-2.4, 53.6], [-2.6, 53.6], [-2.6, 53.4]]);
        let polygon = file("Polygon", &json!([square(-3.0), hole]));
        let polygon = Polygons::parse(&polygon, "LSOA21CD").unwrap();
        assert_eq!(polygon.area((-2.1, 53.5)), Some("E01000001"));
        assert_eq!(polygon.area((-2.5, 53.5)), None, "in the hole");
        assert_eq!(polygon.area((-1.5, 53.5)), None);
        let two = file("MultiPolygon", &json!([[square(-3.0)], [square(-1.0)]]));
        let two = Polygons::parse(&two, "LSOA21CD").unwrap();
        assert_eq!(
            (two.area((-0.5, 53.5)), two.area((-1.5, 53.5))),
            (Some("E01000001"), None)
        );
    }

    #[test]
    fn a_file_of_another_sort_is_refused_by_its_feature() {
        let metres = json!([[[361_340, 401_794]]]);
        for (value, code, rule) in [
            (json!({}), "LSOA21CD", "is not a GeoJSON"),
            (json!({ "features": [] }), "LSOA21CD", "holds no feature"),
            (file("Point", &json!([1, 2])), "LSOA21CD", "feature 1: is neither"),
            (
                file("Polygon", &metres),
                "LSOA21CD",
                "feature 1: has coordinates that are not longitude",
            ),
            (
                file("Polygon", &json!([square(0.0)])),
                "LSOA11CD",
                "feature 1: `LSOA11CD` is missing",
            ),
        ] {
            let refusal = Polygons::parse(&value, code).unwrap_err();
            assert!(refusal.starts_with(rule), "{refusal}");
        }
    }

    #[test]
    fn each_area_of_a_real_place_holds_its_own_centre() {
        let Some(folder) = outside_data("places") else { return };
        let path = folder.join("wigan-lsoa-2011.geojson");
        let polygons = Polygons::load(&path, "LSOA11CD").unwrap();
        let root: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let features = root["features"].as_array().unwrap();
        let right = features.iter().filter(|feature| {
            let about = &feature["properties"];
            let centre = (about["LONG"].as_f64().unwrap(), about["LAT"].as_f64().unwrap());
            polygons.area(centre) == about["LSOA11CD"].as_str()
        });
        // The published centres are weighted by population or moved: the odd one lies beside its simplified outline.
        assert!(right.count() * 100 >= features.len() * 95);
    }
}
