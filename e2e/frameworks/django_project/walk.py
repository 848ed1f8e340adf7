"""What an application does: run by `manage.py shell`."""

from decimal import Decimal

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Sum
from shop.models import Customer, Order

ann = Customer.objects.create(name="Ann", email="ann@example.com")
bob = Customer.objects.create(name="Bob", email="bob@example.com")
assert ann.pk and ann.pk != bob.pk
with transaction.atomic():
    orders = [Order(customer=ann, total=Decimal(n), details={"n": n}) for n in range(1, 6)]
    Order.objects.bulk_create(orders)
found = Customer.objects.annotate(n=Count("orders"), sum=Sum("orders__total")).order_by("name")
assert [(c.name, c.n, c.sum) for c in found] == [("Ann", 5, Decimal(15)), ("Bob", 0, None)]
assert Order.objects.filter(total__gt=3).update(paid=True, total=F("total") + 1) == 2
assert Order.objects.filter(paid=True).order_by("-total").first().total == Decimal(6)
unpaid = Order.objects.filter(paid=False).values_list("total", flat=True)
assert list(unpaid.order_by("total")) == [1, 2, 3]
try:
    Customer.objects.create(name="Eve", email="ann@example.com")
except IntegrityError:
    pass
else:
    raise AssertionError("two customers with one address")
try:
    with transaction.atomic():
        bob.delete()
        raise RuntimeError
except RuntimeError:
    assert Customer.objects.filter(name="Bob").exists()
customer, created = Customer.objects.update_or_create(
    email="bob@example.com", defaults={"name": "Rob"}
)
assert (customer.name, created) == ("Rob", False)
assert sum(1 for _ in Order.objects.iterator(chunk_size=2)) == 5
user = User.objects.create_user("ann", "ann@example.com", "a password")
assert User.objects.get(username="ann").check_password("a password") and user.pk
ann.delete()
assert Order.objects.count() == 0
assert "shop_order" in connection.introspection.table_names()
print("walked")
