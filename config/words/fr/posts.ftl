# Les phrases des publications, en français. Une machine parle : des faits, une action, pas de point d'exclamation.

# Le mot d'état, en capitales, toujours après sa forme.
word-warning = ATTENTION
word-critical = CRITIQUE
word-silent = MUET
word-cleared = RÉTABLI
word-heard = DE RETOUR
word-retired = CLOS
word-catch-up = RATTRAPAGE
word-flood = AVALANCHE
word-flood-over = BILAN
word-paused = EN PAUSE
word-unstable = INSTABLE
word-confirm = À CONFIRMER

# Moments et durées.
day = %d/%m
since-today = depuis { $clock }
since-day = depuis le { $day } à { $clock }
at-today = à { $clock }
at-day = le { $day } à { $clock }
until-today = jusqu'à { $clock }
until-day = jusqu'au { $day } à { $clock }
of-today = de { $clock }
of-day = du { $day } à { $clock }
span-today = de { $from } à { $to }
span-day = le { $day } de { $from } à { $to }
span-days = du { $from-day } à { $from } au { $to-day } à { $to }
lasted-seconds = { $seconds } s
lasted-minutes = { $minutes } min
lasted-hours = { $hours } h { $minutes }
lasted-days = { $days } j { $hours } h

# Un seuil franchi.
limit-high = { $tag } à { $value } (limite { $limit }) { $since }
limit-low = { $tag } à { $value } (minimum { $limit }) { $since }
limit-cleared = { $tag } à { $value }, alerte { $span }, { $lasted }
usual = Habituel : { $from } à { $to }.
worst-high = Au plus haut : { $value } { $at }.
worst-low = Au plus bas : { $value } { $at }.
limit-was-high = Limite : { $limit }.
limit-was-low = Minimum : { $limit }.
reopened = { $times } fois { $since }.

# Un capteur qui se tait.
silent = { $tag } : aucune mesure { $since } (limite { $after })
silent-last = Dernière valeur : { $value }. État réel inconnu : se fier à l'afficheur sur place.
silent-unknown = Aucune valeur connue. État réel inconnu : se fier à l'afficheur sur place.
silent-cleared = { $tag } à { $value }, sans mesure { $span }, { $lasted }

# Une source que l'on ne joint plus.
source-lost = source { $source } injoignable { $since }
source-lost-machines = { $count ->
    [one] { $count } machine n'est plus lue, son état réel est inconnu : se fier à l'afficheur sur place.
   *[other] { $count } machines ne sont plus lues, leur état réel est inconnu : se fier à l'afficheur sur place.
}
source-lost-lists = Ses documents ne sont plus lus.
source-cleared = source { $source } de nouveau joignable, coupure { $span }, { $lasted }
# Par le genre de la source.
source-do = { $kind ->
    [mqtt] vérifier le réseau et le broker.
    [modbus] vérifier le câble, le réseau et l'alimentation des appareils.
    [opcua] vérifier le réseau et le serveur OPC UA.
    [files] vérifier que le dossier est là, partagé et lisible.
    [http] vérifier que le système de gestion répond, puis le réseau.
    [sql] vérifier que la base de données répond, puis le réseau.
    [exec] faire relancer le programme qui donne les mesures.
   *[other] vérifier la source, puis le réseau.
}

# La mémoire de portevoix.
store-damaged = mémoire de portevoix illisible, mise de côté { $at }
store-cleared = mémoire de nouveau en ordre, panne { $span }, { $lasted }
store-damaged-context = Une mémoire neuve est en service. Un épisode déjà publié peut l'être une seconde fois.
store-damaged-do = faire vérifier le disque de la passerelle.

# Ce qu'il y a à faire, et le bas de la publication.
do = À faire : { $action }
cause-unknown = Cause inconnue.
fine = { $place }, mesure { $of }.
fine-no-place = Mesure { $of }.
late = Signalé en retard : la passerelle n'écoutait pas.
retired = règle retirée de la configuration, suivi arrêté { $at }
retired-fact = Dernier état : { $fact }.

# Le rattrapage après une panne du réseau.
catch-up = publication impossible { $span }, { $lasted }
catch-up-count = { $count ->
    [one] { $count } événement, aucun perdu. Encore ouverts : { $open }.
   *[other] { $count } événements, aucun perdu. Encore ouverts : { $open }.
}
catch-up-open = { $shape } { $machine }, { $tag }, { $since }
catch-up-more = { $count ->
    [one] et { $count } autre
   *[other] et { $count } autres
}
catch-up-ended = { $count ->
    [one] Terminé : { $count }, durée { $lasted }.
   *[other] Terminés : { $count }, durée totale { $lasted }.
}

# Une partie d'une source qui ne marche plus, le reste marche.
part-device = appareil { $name }
part-address = adresse { $name }
part-file = fichier { $name }
part-query = lecture { $name }
part-events = alarmes de { $name }
part-unit = unité { $unit }
part-holding = registre de maintien { $number } (unité { $unit })
part-input = registre d'entrée { $number } (unité { $unit })
part-coil = bobine { $number } (unité { $unit })
part-discrete = entrée TOR { $number } (unité { $unit })
part-register = adresse { $unit }/{ $number }
part-no-answer = { $part } : pas de réponse { $since }
part-goodbye = { $part } : hors ligne (annoncé) { $since }
part-refused = { $part } : demande refusée { $since }
part-missing = { $part } : introuvable { $since }
part-denied = { $part } : accès refusé { $since }
part-lacks = { $part } : contenu manquant { $since }
part-unreadable = { $part } : illisible { $since }
part-forbidden = { $part } : contenu interdit { $since }
part-too-large = { $part } : trop grand { $since }
part-lost = { $part } : des données manquent { $since }
part-cleared = { $part } : en défaut { $span }, { $lasted }
part-source = Source { $source }. Le reste de la source continue.
part-answer = Réponse reçue : « { $detail } ».
part-absent = Manquant : « { $detail } ».
part-found-at = Trouvé ({ $place }) : « { $detail } ».
part-found = Trouvé : « { $detail } ».
part-found-nothing = Trouvé ({ $place }) : rien.
part-found-link = Trouvé : un lien, jamais suivi.
part-found-strange = Trouvé : ce n'est pas un fichier.
part-found-doctype = Trouvé : un DOCTYPE, jamais lu.
# Où, dans un document.
place-line = ligne { $number }
place-row = ligne de données { $number }
place-column = colonne { $number }
place-byte = octet { $number }
# Ce qui rend un document illisible.
part-flaw = Défaut : { $flaw }.
part-flaw-at = Défaut ({ $place }) : { $flaw }.
flaw-open-quote = guillemet jamais refermé, « { $found } »
flaw-open-element = élément « { $found } » jamais refermé
flaw-cut-short = le document s'arrête en plein milieu
flaw-empty = le document est vide
flaw-malformed = l'écriture n'est pas celle du format attendu
flaw-row-too-long = une ligne bien trop longue
flaw-too-deep = des éléments imbriqués trop profond
flaw-twice = deux colonnes « { $found } »
flaw-encoding = l'encodage n'est pas celui qui est configuré ou annoncé
part-max = Limite : { $max }.
part-device-do = vérifier son alimentation et son câble.
part-address-do = comparer la configuration et l'appareil.
part-file-do = corriger le fichier et le déposer de nouveau.
part-query-do = comparer la configuration et le système de gestion.
part-events-do = rien, l'état présent a été relu.
fine-site = { $place }.

# Une alarme tenue par un autre système.
alarm = { $alarm } { $since }
alarm-cleared = { $alarm } : active { $span }, { $lasted }
alarm-server = Alarme « { $alarm } », gravité { $severity } sur 1000.
alarm-acknowledged = Acquittée sur le système d'origine.

# Une ligne d'un document de gestion : ordre, stock, livraison.
word-record = INFO
word-record-done = TERMINÉ
record = { $list } { $key } : { $say } { $since }
record-cleared = { $list } { $key } : { $say } { $span }, { $lasted }
record-field = { $field } : { $value }
yes = oui
no = non

# L'ordre en cours sur la machine.
order = Ordre en cours : { $order }.

# Ce qui se calcule d'une valeur : variation, nombre, fenêtre de temps, écart.
figure-high = { $what } : { $value } (limite { $limit }) { $since }
figure-low = { $what } : { $value } (minimum { $limit }) { $since }
figure-cleared = { $what } : { $value }, écart { $span }, { $lasted }
figure-rate = { $tag }, variation
figure-count = { $tag }
figure-compare = { $tag }, différence
window-mean = { $tag }, moyenne sur { $over }
window-min = { $tag }, plus bas sur { $over }
window-max = { $tag }, plus haut sur { $over }
window-quantile = { $tag }, quantile sur { $over }
window-sum = { $tag }, total sur { $over }
window-count = { $tag }, nombre sur { $over }
per = { $value } par { $per }
within = { $value } en { $over }
figure-latest = À présent : { $value }.

# Un état.
state = { $tag } : { $state } { $since }
state-cleared = { $tag } : { $state } { $span }, { $lasted }
state-longer = Durée admise : { $longer }.

# Une valeur figée.
stuck = { $tag } : ne change plus { $since } (limite { $after })
stuck-cleared = { $tag } : figé { $span }, { $lasted }
stuck-at = Figé à { $value }. État réel inconnu : se fier à l'afficheur sur place.

# Ce que des personnes ou d'autres machines ont fait d'un épisode.
acknowledged = Pris en charge { $at }.
to-confirm = Revenu à la normale : à confirmer par une personne, sur place.
shelved = En pause { $at } ({ $role }) : « { $reason } ».
out-of-service = Hors service, mis de côté { $at } ({ $role }) : « { $reason } ».
covered-parent = Expliqué par { $by }, à l'arrêt.
covered-state = Expliqué par l'état de la machine : { $by }.
unstable = { $times ->
    [0] Va et vient { $since }. Suivi une seule fois, clos après 10 min de calme.
    [one] Va et vient : { $times } retour { $since }. Suivi une seule fois, clos après 10 min de calme.
   *[other] Va et vient : { $times } retours { $since }. Suivi une seule fois, clos après 10 min de calme.
}
unstable-was = { $times ->
    [0] Instable pendant ce temps.
    [one] Instable pendant ce temps : { $times } retour.
   *[other] Instable pendant ce temps : { $times } retours.
}

# Trop d'un coup : une seule publication.
flood = { $count } alertes en { $lasted }, regroupées ici { $since }
flood-over = { $count } alertes { $span }, { $lasted }, regroupées ici
flood-first = Première : { $first }. Les autres ont suivi.
flood-named = { $machine }, { $tag }, { $since }
flood-kinds = Par sujet : { $kinds }.
flood-others = divers { $count }
flood-apart = Publié à part : { $apart }.
flood-open = { $count ->
    [one] Encore ouverte : { $open }.
   *[other] Encore ouvertes, { $count } : { $open }.
}
flood-do = commencer par la première.
flood-fine = Mis à jour chaque minute jusqu'au calme.

# Le bilan d'une équipe, d'une journée, d'une semaine.
word-summary = BILAN
weekday-1 = lundi
weekday-2 = mardi
weekday-3 = mercredi
weekday-4 = jeudi
weekday-5 = vendredi
weekday-6 = samedi
weekday-7 = dimanche
summary-shift = { $shift }, { $day } · TRS { $trs }
summary-week = semaine du { $day } · TRS { $trs }
summary-whole-day = journée
summary-unknown = inconnu
summary-average = Moyenne 4 semaines : { $trs }.
summary-average-days = { $count ->
    [one] Moyenne { $count } jour : { $trs }.
   *[other] Moyenne { $count } jours : { $trs }.
}
summary-parts = Bonnes : { $good }. Rebuts : { $scrap }.
summary-trg = TRG { $trg }.
summary-factors = Disponibilité { $availability } × performance { $performance } × qualité { $quality }
summary-losses = Perdu sur { $required } min requises : arrêts { $stops } · cadence { $speed } · micro-arrêts { $micro } · rebuts { $scrap } min
summary-losses-whole = Perdu sur { $required } min requises : arrêts { $stops } · cadence { $speed } · rebuts { $scrap } min
summary-longest = Plus long arrêt : { $cause }, { $lasted }.
summary-no-cause = cause inconnue
summary-silent = Machine muette { $unknown }, hors calcul.
summary-aside = Pièces hors calcul : { $made }.
summary-slips = { $count ->
    [one] Compteur douteux { $count } fois : des pièces peuvent manquer.
   *[other] Compteur douteux { $count } fois : des pièces peuvent manquer.
}
summary-open = { $what } { $since }
summary-paused = { $count ->
    [one] { $count } alerte en pause
   *[other] { $count } alertes en pause
}
summary-hand-over = À reprendre : { $points }.
summary-nothing-open = À reprendre : rien d'ouvert sur cette machine.
summary-method = Calcul NF E60-182.
summary-method-availability = Calcul NF E60-182, micro-arrêts (moins de { $micro }) comptés en disponibilité.
summary-method-performance = Calcul NF E60-182, micro-arrêts (moins de { $micro }) comptés en performance.
summary-from = Suivi { $since } seulement.
summary-held = { $count ->
    [one] { $count } information retenue (limite du jour).
   *[other] { $count } informations retenues (limite du jour).
}

# Un ordre qui sera en retard, à la cadence de sa machine.
word-late = RETARD
order-late = { $list } { $key } : fin prévue { $ends } au lieu de { $due } (+{ $late })
order-late-day = { $list } { $key } : fin prévue { $ends } au lieu du { $due } (+{ $late })
late-in-time = { $list } { $key } : de nouveau à temps, fin prévue { $ends } pour { $due }
late-done = { $list } { $key } : quantité faite { $at }, attendue { $due }
late-left = { $list } { $key } : n'est plus en cours, attendu { $due }
late-both = Dont { $stops } d'arrêt ({ $at }) et { $speed } de cadence ({ $rate } pour { $ideal }).
late-stops = Dont { $stops } d'arrêt ({ $at }).
late-speed = Dont { $speed } de cadence ({ $rate } pour { $ideal }).
late-rate = Cadence : { $rate } ({ $ideal } au mieux).
per-minute = { $rate } p/min
per-hour = { $rate } p/h
late-progress = Fait : { $done } sur { $quantity }.
pick-up-kept = Enlèvement { $at } : tenu, marge { $margin }.
pick-up-missed = Enlèvement { $at } : manqué de { $margin }.
late-do = rien, sauf nouvel arrêt de plus de { $margin }.
late-read = Données de gestion lues { $at }, machine en direct.

# Un stock qui s'épuise.
word-stock = STOCK
stock = { $list } { $key } : rupture vers { $ends } au rythme actuel
stock-day = { $list } { $key } : rupture vers le { $ends } au rythme actuel
stock-lasts = { $list } { $key } : plus de rupture prévue, reste { $level }
stock-gone = { $list } { $key } : n'est plus dans la liste
stock-level = Reste { $level } pour { $use }/h, mesuré { $at }.
stock-delivery = Prochaine livraison : { $at }.

# Ce que quelqu'un a écrit d'une machine.
claim = { $say } { $since }
claim-value = { $say } : { $value } { $since }
claim-cleared = { $say } { $span }, { $lasted }

# Un nombre rond atteint.
word-milestone = CAP FRANCHI
milestone = { $tag } : { $value } { $at }

# Ce qui est arrivé d'abord.
first-out = Premier signal : { $what } { $at }.

# Une courbe.
chart-limit = limite { $limit }
chart-usual = habituel
chart-alt = { $what } : entre { $low } et { $high } jusqu'à { $begun }, puis { $value }.
chart-alt-new = { $what } : { $value } depuis { $begun }.
