"""Makes the database of a small machine shop in Tryton, once: tryton_make.py FOLDER.

Afterwards FOLDER holds erp.sqlite. Takes one to two minutes the first time; what is there stays.
"""

import contextlib
import datetime
import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

PASSWORD = "adminpw"
CONFIGURATION = """[database]
uri = sqlite://
path = {folder}
[web]
listen = 127.0.0.1:{port}
[session]
super_pwd =
"""


def admin(folder, *arguments):
    tool = Path(sys.prefix) / "bin" / "trytond-admin"
    subprocess.run(
        [sys.executable, str(tool), "-c", str(folder / "trytond.conf"), "-d", "erp", *arguments],
        check=True,
        env={**os.environ, "TRYTONPASSFILE": str(folder / "password")},
        stdin=subprocess.DEVNULL,
    )


def lay_out(folder):
    (folder / "trytond.conf").write_text(CONFIGURATION.format(folder=folder, port=1))
    (folder / "password").write_text(PASSWORD)
    # Tryton creates tables, not the file of the database.
    (folder / "erp.sqlite").touch()
    admin(folder, "--all", "--email", "admin@example.com", "-l", "fr")
    admin(folder, "-u", "production", "stock_lot", "--activate-dependencies")


def fill(folder):
    from proteus import Model, Wizard, config

    configuration = config.set_trytond(
        database="erp", user="admin", config_file=str(folder / "trytond.conf")
    )
    company(configuration, Model, Wizard)
    unit = Model.get("product.uom").find([("symbol", "=", "u")], limit=1)[0]
    plate = product(Model, unit, "Plaque alu 6082", "PLQ-6082", "12.5")
    screw = product(Model, unit, "Vis M6x20", "VIS-M6", "0.05")
    cover = product(Model, unit, "Capot moteur", "CPT-100", "40", producible=True)
    bom = Model.get("production.bom")(name="Capot moteur")
    bom.inputs.new(product=plate, quantity=1)
    bom.inputs.new(product=screw, quantity=4)
    bom.outputs.new(product=cover, quantity=1)
    bom.save()
    cover.boms.append(Model.get("product.product-production.bom")(bom=bom))
    cover.save()
    stock(Model, {plate: 100, screw: 1000})
    for quantity, state in ((10, "done"), (25, "running"), (40, "waiting")):
        order(Model, cover, bom, quantity, state)


def company(configuration, Model, Wizard):
    currency = Model.get("currency.currency")(
        name="Euro", symbol="€", code="EUR", rounding=Decimal("0.01")
    )
    currency.rates.new(date=datetime.date(2026, 1, 1), rate=Decimal(1))
    currency.save()
    party = Model.get("party.party")(name="Usinage du Val")
    party.save()
    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party = party
    wizard.form.currency = currency
    wizard.form.timezone = "Europe/Paris"
    wizard.execute("add")
    (found,) = Model.get("company.company").find([])
    User = Model.get("res.user")
    user = User(1)
    user.companies.append(Model.get("company.company")(found.id))
    user.company = found
    user.save()
    configuration._context = User.get_preferences(True, {})


def product(Model, unit, name, code, cost, producible=False):
    template = Model.get("product.template")()
    template.name = name
    template.default_uom = unit
    template.type = "goods"
    template.producible = producible
    template.list_price = Decimal(cost) * 2
    (variant,) = template.products
    variant.suffix_code = code
    variant.cost_price = Decimal(cost)
    template.save()
    return template.products[0]


def stock(Model, quantities):
    (storage,) = Model.get("stock.location").find([("code", "=", "STO")])
    inventory = Model.get("stock.inventory")(location=storage)
    for item, quantity in quantities.items():
        inventory.lines.new(product=item, quantity=quantity)
    inventory.click("confirm")


def order(Model, item, bom, quantity, state):
    production = Model.get("production")()
    production.product = item
    production.bom = bom
    production.quantity = quantity
    production.planned_date = datetime.date(2026, 11, 24)
    production.save()
    production.click("wait")
    if state != "waiting":
        production.click("assign_try")
        production.click("run")
    if state == "done":
        production.click("do")
    print(production.number, production.state, quantity, flush=True)


def main():
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        # Tests run side by side; the first makes it, the others wait.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "erp.sqlite").exists():
            half = folder / "half"
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            lay_out(half)
            # In a process of its own, so that nobody holds the database open afterwards.
            subprocess.run([sys.executable, __file__, "--fill", str(half)], check=True)
            with contextlib.closing(sqlite3.connect(half / "erp.sqlite")) as database:
                # What is still in the log beside the database would not be renamed with it.
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            os.rename(half / "erp.sqlite", folder / "erp.sqlite")
            shutil.rmtree(half, ignore_errors=True)
    print("made", flush=True)


if sys.argv[1] == "--fill":
    fill(Path(sys.argv[2]))
else:
    main()
