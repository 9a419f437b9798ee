select setval(pg_get_serial_sequence(counted.name, 'number'), counted.most)
from (
    select 'subscriber', max(number) from subscriber
    union all select 'place', max(number) from place
    union all select 'lane', max(number) from lane
) as counted (name, most)
