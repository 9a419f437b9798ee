select id, name
from shelter
