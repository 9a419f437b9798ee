select e.document, e.area, d.mode, d.class from dispatch d join event e on e.number = d.event where d.id = $1
