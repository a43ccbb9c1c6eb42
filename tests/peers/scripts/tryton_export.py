"""Writes the production orders of a served Tryton as its users export them: tryton_export.py URL FILE.csv [ENCODING].

URL is http://admin:adminpw@127.0.0.1:PORT/erp/. The columns bear the labels of the fields in French, the separator is
a semicolon, numbers have a decimal comma and days are written as 24/11/2026, as the client of a French user does it.
"""

import csv
import os
import sys

from proteus import Model, config


def main():
    url, path = sys.argv[1], sys.argv[2]
    encoding = sys.argv[3] if len(sys.argv) > 3 else "utf-8-sig"
    config.set_xmlrpc(url)
    # Half a file is never seen: written beside, then renamed.
    half = path + ".part"
    with open(half, "w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(["Numéro", "Produit", "Quantité", "Unité", "Date prévue", "État"])
        for order in Model.get("production").find([], order=[("id", "ASC")]):
            writer.writerow(
                [
                    order.number,
                    order.product.rec_name,
                    f"{order.quantity:.2f}".replace(".", ","),
                    order.unit.symbol,
                    order.planned_date.strftime("%d/%m/%Y"),
                    order.state,
                ]
            )
    os.rename(half, path)
    print("written", flush=True)


main()
