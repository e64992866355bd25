#!/bin/bash
# Boots a real systemd as process 1, with journald, logind, dbus and linger, in a container over an overlay of this machine's
# root; runs SCRIPT in it as root and powers off. Loopback is shared with the host. Needs root and systemd-container.
#   systemd_boot.sh PLACE SCRIPT     PLACE keeps what was written between two boots; the exit status is SCRIPT's
# /tmp, /var/tmp and /run are never bound: systemd-tmpfiles would empty them on the host. Inside, /tmp is a new tmpfs, so what is
# tested must lie elsewhere; mounts of the host are not seen through the overlay.
set -euo pipefail
PLACE=$(realpath -m "$1")
mkdir -p "$PLACE/job" "$PLACE/upper" "$PLACE/work" "$PLACE/root"
rm -f "$PLACE"/job/{log,rc}
cp "$2" "$PLACE/job/script.sh"
export PLACE
unshare --mount bash -euc '
mount --make-rprivate /
mkdir -p /run/systemd; mount -t tmpfs -o mode=755 tmpfs /run/systemd
R=$PLACE/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$PLACE/upper,workdir=$PLACE/work" "$R"
if [ ! -e "$PLACE/prepared" ]; then
    rm -f "$R"/etc/systemd/system/*.wants/*
    for unit in systemd-networkd.service systemd-resolved.service systemd-timesyncd.service networking.service getty@tty1.service \
        console-getty.service systemd-tmpfiles-clean.timer apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer \
        logrotate.timer man-db.timer dpkg-db-backup.timer; do
        ln -sf /dev/null "$R/etc/systemd/system/$unit"
    done
    : > "$R/etc/fstab"
    ln -sf /lib/systemd/system/multi-user.target "$R/etc/systemd/system/default.target"
    mkdir -p "$R/var/log/journal" "$R/etc/systemd/system/multi-user.target.wants"
    printf "%s\n" "#!/bin/bash" "bash /job/script.sh > /job/log 2>&1; echo \$? > /job/rc; systemctl poweroff --no-block" > "$R/usr/local/sbin/boot-job"
    chmod +x "$R/usr/local/sbin/boot-job"
    printf "%s\n" "[Unit]" "Description=job" "After=systemd-logind.service systemd-user-sessions.service" "[Service]" "Type=exec" \
        "ExecStart=/usr/local/sbin/boot-job" "[Install]" "WantedBy=multi-user.target" > "$R/etc/systemd/system/boot-job.service"
    ln -sf ../boot-job.service "$R/etc/systemd/system/multi-user.target.wants/boot-job.service"
    touch "$PLACE/prepared"
fi
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn -q -D "$R" --boot --register=no --keep-unit --machine="boot-$$" \
    --resolv-conf=off --timezone=off --link-journal=no --bind="$PLACE/job:/job" --console=pipe < /dev/null > "$PLACE/boot.log" 2>&1' || true
cat "$PLACE/job/log" 2>/dev/null || { tail -n 30 "$PLACE/boot.log" >&2; exit 125; }
exit "$(cat "$PLACE/job/rc")"
