# The sentences of the posts, in English. A machine speaks: facts, one action, no exclamation mark.

# The state word, in capitals, always after its shape.
word-warning = WARNING
word-critical = CRITICAL
word-silent = SILENT
word-cleared = BACK TO NORMAL
word-heard = BACK
word-retired = CLOSED
word-catch-up = CATCH-UP
word-flood = FLOOD
word-flood-over = SUMMARY
word-paused = SHELVED
word-unstable = UNSTABLE
word-confirm = TO CONFIRM

# Moments and durations.
day = %-d %b
since-today = since { $clock }
since-day = since { $day } at { $clock }
at-today = at { $clock }
at-day = on { $day } at { $clock }
until-today = until { $clock }
until-day = until { $clock } on { $day }
of-today = { $clock }
of-day = { $day } at { $clock }
span-today = from { $from } to { $to }
span-day = { $day } from { $from } to { $to }
span-days = from { $from-day } { $from } to { $to-day } { $to }
lasted-seconds = { $seconds } s
lasted-minutes = { $minutes } min
lasted-hours = { $hours } h { $minutes }
lasted-days = { $days } d { $hours } h

# A limit crossed.
limit-high = { $tag } at { $value } (limit { $limit }) { $since }
limit-low = { $tag } at { $value } (minimum { $limit }) { $since }
limit-cleared = { $tag } at { $value }, abnormal { $span }, { $lasted }
usual = Usual: { $from } to { $to }.
worst-high = Highest: { $value } { $at }.
worst-low = Lowest: { $value } { $at }.
limit-was-high = Limit: { $limit }.
limit-was-low = Minimum: { $limit }.
reopened = { $times } times { $since }.

# A sensor that says nothing.
silent = { $tag }: no reading { $since } (limit { $after })
silent-last = Last value: { $value }. Real state unknown: trust the local display.
silent-unknown = No value known. Real state unknown: trust the local display.
silent-cleared = { $tag } at { $value }, no reading { $span }, { $lasted }

# A source out of reach.
source-lost = source { $source } out of reach { $since }
source-lost-machines = { $count ->
    [one] { $count } machine is no longer read, its real state is unknown: trust the local display.
   *[other] { $count } machines are no longer read, their real state is unknown: trust the local display.
}
source-lost-lists = Its documents are not read any more.
source-cleared = source { $source } reached again, cut { $span }, { $lasted }
# By the kind of the source.
source-do = { $kind ->
    [mqtt] check the network and the broker.
    [modbus] check the cable, the network and the power of the devices.
    [opcua] check the network and the OPC UA server.
    [files] check that the folder is there, shared and readable.
    [http] check that the business system answers, then the network.
    [sql] check that the database answers, then the network.
    [exec] have the program that gives the readings started again.
   *[other] check the source, then the network.
}

# The memory of portevoix.
store-damaged = memory of portevoix unreadable, set aside { $at }
store-cleared = memory in order again, trouble { $span }, { $lasted }
store-damaged-context = A fresh memory is in use. An episode already posted may be posted a second time.
store-damaged-do = have the disk of the gateway checked.

# What to do, and the foot of the post.
do = To do: { $action }
cause-unknown = Cause not known.
fine = { $place }, measured { $of }.
fine-no-place = Measured { $of }.
late = Told late: the gateway was not listening.
retired = rule removed from the configuration, no longer followed { $at }
retired-fact = Last state: { $fact }.

# The catch-up after an outage of the network.
catch-up = could not post { $span }, { $lasted }
catch-up-count = { $count ->
    [one] { $count } event, none lost. Still open: { $open }.
   *[other] { $count } events, none lost. Still open: { $open }.
}
catch-up-open = { $shape } { $machine }, { $tag }, { $since }
catch-up-more = { $count ->
    [one] and { $count } other
   *[other] and { $count } others
}
catch-up-ended = { $count ->
    [one] Ended: { $count }, lasted { $lasted }.
   *[other] Ended: { $count }, { $lasted } in all.
}

# A part of a source that does not work while the rest does.
part-device = device { $name }
part-address = address { $name }
part-file = file { $name }
part-query = reading of { $name }
part-events = alarms of { $name }
part-unit = unit { $unit }
part-holding = holding register { $number } (unit { $unit })
part-input = input register { $number } (unit { $unit })
part-coil = coil { $number } (unit { $unit })
part-discrete = discrete input { $number } (unit { $unit })
part-register = address { $unit }/{ $number }
part-no-answer = { $part }: no answer { $since }
part-goodbye = { $part }: said that it goes offline, { $since }
part-refused = { $part }: request refused { $since }
part-missing = { $part }: not found { $since }
part-denied = { $part }: access refused { $since }
part-lacks = { $part }: content missing { $since }
part-unreadable = { $part }: cannot be read { $since }
part-forbidden = { $part }: forbidden content { $since }
part-too-large = { $part }: too large { $since }
part-lost = { $part }: data are missing { $since }
part-cleared = { $part }: trouble { $span }, { $lasted }
part-source = Source { $source }. The rest of the source goes on.
part-answer = It answered: “{ $detail }”.
part-absent = Missing: “{ $detail }”.
part-found-at = Found ({ $place }): “{ $detail }”.
part-found = Found: “{ $detail }”.
part-found-nothing = Found ({ $place }): nothing.
part-found-link = Found: a link, never followed.
part-found-strange = Found: it is no file.
part-found-doctype = Found: a DOCTYPE, never read.
# Where in a document.
place-line = line { $number }
place-row = row { $number }
place-column = column { $number }
place-byte = byte { $number }
# What makes a document unreadable.
part-flaw = Wrong: { $flaw }.
part-flaw-at = Wrong ({ $place }): { $flaw }.
flaw-open-quote = a quote that is never closed, “{ $found }”
flaw-open-element = element “{ $found }” is never closed
flaw-cut-short = the document ends half-way
flaw-empty = the document is empty
flaw-malformed = it is not written in the expected format
flaw-row-too-long = a line far too long
flaw-too-deep = elements nested too deep
flaw-twice = two columns “{ $found }”
flaw-encoding = the encoding is not the one configured or declared
part-max = Limit: { $max }.
part-device-do = check its power and its cable.
part-address-do = compare the configuration with the device.
part-file-do = mend the file and drop it again.
part-query-do = compare the configuration with the business system.
part-events-do = nothing, the present state has been read again.
fine-site = { $place }.

# An alarm kept by another system.
alarm = { $alarm } { $since }
alarm-cleared = { $alarm }: lasted { $span }, { $lasted }
alarm-server = Alarm “{ $alarm }”, severity { $severity } of 1000.
alarm-acknowledged = Acknowledged at the system it comes from.

# A row of a business document: order, stock, delivery.
word-record = INFO
word-record-done = DONE
record = { $list } { $key }: { $say } { $since }
record-cleared = { $list } { $key }: { $say } { $span }, { $lasted }
record-field = { $field }: { $value }
yes = yes
no = no

# The order on the machine.
order = Current order: { $order }.

# What is worked out of a value: a rate, a count, a time window, a difference.
figure-high = { $what }: { $value } (limit { $limit }) { $since }
figure-low = { $what }: { $value } (minimum { $limit }) { $since }
figure-cleared = { $what }: { $value }, abnormal { $span }, { $lasted }
figure-rate = { $tag }, change
figure-count = { $tag }
figure-compare = { $tag }, difference
window-mean = { $tag }, mean over { $over }
window-min = { $tag }, lowest over { $over }
window-max = { $tag }, highest over { $over }
window-quantile = { $tag }, quantile over { $over }
window-sum = { $tag }, total over { $over }
window-count = { $tag }, count over { $over }
per = { $value } per { $per }
within = { $value } in { $over }
figure-latest = Now: { $value }.

# A state.
state = { $tag }: { $state } { $since }
state-cleared = { $tag }: { $state } { $span }, { $lasted }
state-longer = Allowed: { $longer }.

# A value that is stuck.
stuck = { $tag }: no change { $since } (limit { $after })
stuck-cleared = { $tag }: stuck { $span }, { $lasted }
stuck-at = Stuck at { $value }. Real state unknown: trust the display on the machine.

# What people or other machines did about an episode.
acknowledged = Taken in charge { $at }.
to-confirm = Back to normal: a person on site must confirm it.
shelved = Shelved { $at } ({ $role }): “{ $reason }”.
out-of-service = Out of service, set aside { $at } ({ $role }): “{ $reason }”.
covered-parent = Explained by { $by }, which is down.
covered-state = Explained by the state of the machine: { $by }.
unstable = { $times ->
    [0] It comes and goes { $since }. Told once, over after 10 min of calm.
    [one] It comes and goes: back { $times } time { $since }. Told once, over after 10 min of calm.
   *[other] It comes and goes: back { $times } times { $since }. Told once, over after 10 min of calm.
}
unstable-was = { $times ->
    [0] Unstable meanwhile.
    [one] Unstable meanwhile: back { $times } time.
   *[other] Unstable meanwhile: back { $times } times.
}

# Too much at once: one post.
flood = { $count } alerts in { $lasted }, grouped here { $since }
flood-over = { $count } alerts { $span }, { $lasted }, grouped here
flood-first = First: { $first }. The others followed.
flood-named = { $machine }, { $tag }, { $since }
flood-kinds = By subject: { $kinds }.
flood-others = other { $count }
flood-apart = Posted by itself: { $apart }.
flood-open = { $count ->
    [one] Still open: { $open }.
   *[other] Still open, { $count }: { $open }.
}
flood-do = begin with the first one.
flood-fine = Updated every minute until it is calm.

# The summary of a shift, a day, a week.
word-summary = SUMMARY
weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
summary-shift = { $shift }, { $day } · OEE { $trs }
summary-week = week of { $day } · OEE { $trs }
summary-whole-day = day
summary-unknown = unknown
summary-average = 4-week average: { $trs }.
summary-average-days = { $count ->
    [one] { $count }-day average: { $trs }.
   *[other] { $count }-day average: { $trs }.
}
summary-parts = Good: { $good }. Scrap: { $scrap }.
summary-trg = Over opening time (TRG): { $trg }.
summary-factors = Availability { $availability } × performance { $performance } × quality { $quality }
summary-losses = Lost out of { $required } required min: stops { $stops } · speed { $speed } · minor stops { $micro } · scrap { $scrap } min
summary-losses-whole = Lost out of { $required } required min: stops { $stops } · speed { $speed } · scrap { $scrap } min
summary-longest = Longest stop: { $cause }, { $lasted }.
summary-no-cause = cause not known
summary-silent = Machine silent for { $unknown }, in no figure.
summary-aside = Parts in no figure: { $made }.
summary-slips = { $count ->
    [one] Counter in doubt { $count } time: parts may be missing.
   *[other] Counter in doubt { $count } times: parts may be missing.
}
summary-open = { $what } { $since }
summary-paused = { $count ->
    [one] { $count } alert shelved
   *[other] { $count } alerts shelved
}
summary-hand-over = To hand over: { $points }.
summary-nothing-open = To hand over: nothing open on this machine.
summary-method = Method NF E60-182.
summary-method-availability = Method NF E60-182, minor stops (under { $micro }) counted in availability.
summary-method-performance = Method NF E60-182, minor stops (under { $micro }) counted in performance.
summary-from = Followed { $since } only.
summary-held = { $count ->
    [one] { $count } story held back (limit of the day).
   *[other] { $count } stories held back (limit of the day).
}

# An order that will be late, at the rate of its machine.
word-late = LATE
order-late = { $list } { $key }: now due { $ends } instead of { $due } (+{ $late })
order-late-day = { $list } { $key }: now due { $ends } instead of { $due } (+{ $late })
late-in-time = { $list } { $key }: on time again, now due { $ends } for { $due }
late-done = { $list } { $key }: quantity made { $at }, due { $due }
late-left = { $list } { $key }: no longer running, due { $due }
late-both = { $stops } from stops ({ $at }), { $speed } from speed ({ $rate }, not { $ideal }).
late-stops = { $stops } from stops ({ $at }).
late-speed = { $speed } from speed ({ $rate }, not { $ideal }).
late-rate = Rate: { $rate } ({ $ideal } at best).
per-minute = { $rate } parts/min
per-hour = { $rate } parts/h
late-progress = Made: { $done } of { $quantity }.
pick-up-kept = Pick-up { $at }: still on time, { $margin } to spare.
pick-up-missed = Pick-up { $at }: missed by { $margin }.
late-do = nothing, unless another stop lasts over { $margin }.
late-read = Business data read { $at }, machine live.

# A stock that runs out.
word-stock = STOCK
stock = { $list } { $key }: runs out about { $ends } at this rate
stock-day = { $list } { $key }: runs out about { $ends } at this rate
stock-lasts = { $list } { $key }: no longer runs out, { $level } left
stock-gone = { $list } { $key }: no longer in the list
stock-level = { $level } left, using { $use }/h, measured { $at }.
stock-delivery = Next delivery: { $at }.

# What somebody wrote about a machine.
claim = { $say } { $since }
claim-value = { $say }: { $value } { $since }
claim-cleared = { $say } { $span }, { $lasted }

# A round number was reached.
word-milestone = MILESTONE
milestone = { $tag }: { $value } { $at }

# What came first.
first-out = First signal: { $what } { $at }.

# A chart.
chart-limit = limit { $limit }
chart-usual = usual
chart-alt = { $what }: between { $low } and { $high } until { $begun }, then { $value }.
chart-alt-new = { $what }: { $value } since { $begun }.
