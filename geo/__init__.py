"""Pure geometry: areas, the index of places inside an area, shelters and distances."""
