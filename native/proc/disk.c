#include "proc/disk.h"

#include "base/files.h"
#include "base/format.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/** Numbers without a device behind them, which the kernel gives to what is in memory, elsewhere or on several devices. */
static bool is_anonymous(struct span device) { return span_starts(device, "0:"); }

/** The number of a device's node, in the node's /dev or in ours, which a privileged container has as well. */
static bool number_of_node(const char *source, char device[DEVICE_BYTES]) {
    static const char *const roots[] = {"/proc/1/root", ""};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        char path[512];
        struct stat st;
        if (format_text(path, sizeof path, "%s%s", roots[i], source) < sizeof path && stat(path, &st) == 0 && S_ISBLK(st.st_mode)) {
            format_text(device, DEVICE_BYTES, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
            return true;
        }
    }
    return false;
}

void disk_device(const struct mount_line *mount, char device[DEVICE_BYTES]) {
    char source[256];
    device[0] = '\0';
    if (!is_anonymous(mount->device)) {
        if (mount->device.length < DEVICE_BYTES) {
            format_text(device, DEVICE_BYTES, "%.*s", (int)mount->device.length, mount->device.at);
        }
        return;
    }
    /* Whoever mounts FUSE or tmpfs calls the source what they like. Below /dev nothing is looked up that could hang, if nothing leads out of it. */
    bool on_device = span_equal(mount->type, "btrfs") || span_equal(mount->type, "bcachefs");
    if (on_device && span_starts(mount->source, "/dev/") && proc_unescape(mount->source, source, sizeof source) && strstr(source, "..") == NULL) {
        (void)number_of_node(source, device);
    }
}

void disk_whole(const char *device, char disk[DEVICE_BYTES], char name[DISK_NAME_BYTES]) {
    char path[96];
    char link[256];
    char number[DEVICE_BYTES];
    struct span line;
    disk[0] = '\0';
    name[0] = '\0';
    if (device[0] == '\0') {
        return;
    }
    format_text(path, sizeof path, "/sys/dev/block/%s/partition", device);
    const char *up = access(path, F_OK) == 0 ? "/.." : "";
    format_text(path, sizeof path, "/sys/dev/block/%s%s/dev", device, up);
    ssize_t got = read_file_at(AT_FDCWD, path, number, sizeof number);
    struct span rest = {number, got < 0 ? 0 : (size_t)got};
    if (!span_cut(&rest, '\n', &line)) {
        return;
    }
    format_text(disk, DEVICE_BYTES, "%.*s", (int)line.length, line.at);
    /* …/block/sda */
    format_text(path, sizeof path, "/sys/dev/block/%s", disk);
    ssize_t length = readlink(path, link, sizeof link - 1);
    link[length < 0 ? 0 : length] = '\0';
    const char *last = strrchr(link, '/');
    if (last == NULL || strlen(last + 1) >= DISK_NAME_BYTES) {
        return;
    }
    format_text(name, DISK_NAME_BYTES, "%s", last + 1);
    for (char *at = name; *at != '\0'; at++) {
        *at = (char)(*at == '!' ? '/' : *at); /* As `cciss!c0d0` stands for cciss/c0d0. */
    }
}

bool disk_count(const char *disk, struct disk_counts *counts) {
    char path[96];
    char text[512];
    if (disk[0] == '\0') {
        return false;
    }
    format_text(path, sizeof path, "/sys/dev/block/%s/stat", disk);
    ssize_t got = read_file_at(AT_FDCWD, path, text, sizeof text);
    return got > 0 && proc_parse_disk_counts((struct span){text, (size_t)got}, counts);
}
