# What boot-try.sh does inside. Ends at the first thing that is not as it should be.
set -euo pipefail
step() { echo "== $*"; }
eventually() { # SECONDS COMMAND…
    for _ in $(seq "$1"); do
        "${@:2}" >/dev/null 2>&1 && return
        sleep 1
    done
    echo "not within $1 s: ${*:2}"
    systemctl status --no-pager portevoix || true
    journalctl -u portevoix --no-pager -o cat | tail -n 20
    return 1
}
shows() { curl -fsS http://127.0.0.1:8080/ | grep -q "$1"; }

step a fresh installation runs and shows its page
dpkg -i /root/portevoix.deb >/dev/null
systemctl is-enabled portevoix
eventually 10 systemctl is-active portevoix
eventually 10 shows 'My site'

step a secret, a broker, a machine
install -d -m 700 /etc/portevoix/secrets
echo test-only | install -m 600 /dev/stdin /etc/portevoix/secrets/mqtt-password
mkdir -p /etc/systemd/system/portevoix.service.d
cat >/etc/systemd/system/portevoix.service.d/secrets.conf <<'CONF'
[Service]
LoadCredential=mqtt-password:/etc/portevoix/secrets/mqtt-password
CONF
cat >/etc/portevoix/20-press.toml <<'CONF'
[source.mqtt.plant]
url      = "mqtt://127.0.0.1:1883"
user     = "portevoix"
password = { credential = "mqtt-password" }

[machine.press-3.tag.oil]
source = "plant"
topic  = "plant/oil"

[machine.press-3.rule.limit.oil-hot]
tag   = "oil"
above = 75.0
clear = 70.0
CONF
portevoix check
systemctl daemon-reload
systemctl restart portevoix
healthy() { PORTEVOIX_CREDENTIALS=/etc/portevoix/secrets portevoix doctor --state /var/lib/portevoix; }
eventually 30 healthy
mosquitto_pub -h 127.0.0.1 -t plant/oil -m 82
eventually 10 shows 'oil at 82'
portevoix explain --state /var/lib/portevoix

step nobody else reads its files, and it has no rights
pid=$(systemctl show -p MainPID --value portevoix)
for folder in /var/lib/portevoix /run/portevoix; do
    [ "$(stat -L -c %A "$folder")" = drwx------ ]
done
grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp|VmRSS):' "/proc/$pid/status"
grep -q '^CapEff:.0000000000000000$' "/proc/$pid/status"
systemd-analyze security --no-pager portevoix | tail -n 1

step a program that hangs is started again by the watchdog, and knows what it knew
kill -STOP "$pid"
restarted() { [ "$(systemctl show -p NRestarts --value portevoix)" = 1 ] && systemctl is-active portevoix; }
eventually 45 restarted
eventually 10 shows 'oil at 82'
mosquitto_pub -h 127.0.0.1 -t plant/oil -m 65
eventually 10 shows 'oil at 65'

step closed to other addresses, it goes on
cp /usr/share/doc/portevoix/examples/plant-addresses.conf /etc/systemd/system/portevoix.service.d/
systemctl daemon-reload
systemctl restart portevoix
eventually 30 healthy
systemd-analyze security --no-pager portevoix | tail -n 1

step stopped and purged
systemctl stop portevoix
systemctl show -p Result portevoix | grep -x Result=success
dpkg -P portevoix 2>&1 | tail -n 2
find /etc/portevoix /etc/systemd/system/portevoix* /var/lib/private /var/lib/portevoix -mindepth 0 2>/dev/null || true
[ ! -e /var/lib/portevoix ] && [ ! -e /var/lib/private/portevoix ]
echo "all is well"
