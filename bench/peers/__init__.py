"""The product's competitors, each as good as its authors would write it, and the limit of a reply.

All take the product's `POST /api/v1/orders` and answer 202, 409 when sold out, and the same id
again for a repeated key. Import what is here only to run them: none needs its packages for that.
"""

from bench.contestant import Contestant
from bench.peers.bare.contestant import Bare
from bench.peers.django_rest.contestant import DjangoRest
from bench.peers.fastapi_app.contestant import FastApi
from bench.peers.go.contestant import Go

PEERS: tuple[Contestant, ...] = (Go(), FastApi(), DjangoRest(), Bare())
