#include "enter/program.h"

#include "base/cleanup.h"
#include "base/format.h"
#include "base/seal.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { OWN_MACHINE = EM_X86_64 };
#else
enum { OWN_MACHINE = EM_AARCH64 };
#endif

enum { PROGRAM_HEADERS_MAX = 128 };

const char *program_base_name(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash == NULL || slash[1] == '\0' ? name : slash + 1;
}

static int refuse(struct error *err, int exit_code, int number, const char *name, const char *why) {
    fail(err, "exec", number, "%s: %s", name, why);
    err->exit_code = exit_code;
    return -1;
}

/** -errno, or a descriptor of a regular file that may be executed. */
static int open_executable(int directory, const char *path, int flags) {
    cleanup_close int fd = openat(directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        return -errno;
    }
    if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0) {
        return -EACCES;
    }
    return steal_fd(&fd);
}

/** The search of execvp(3): one that may not be executed is passed over, but remembered. */
static int search_path(const char *name) {
    int worst = -ENOENT;
    const char *at = PROGRAM_PATH + strlen("PATH=");
    for (;;) {
        size_t length = strcspn(at, ":");
        char path[4096];
        size_t written = format_text(path, sizeof path, "%.*s/%s", length == 0 ? 1 : (int)length, length == 0 ? "." : at, name);
        int fd = written < sizeof path ? open_executable(AT_FDCWD, path, 0) : -ENAMETOOLONG;
        if (fd >= 0) {
            return fd;
        }
        if (fd == -EACCES) {
            worst = fd;
        }
        if (at[length] == '\0') {
            return worst;
        }
        at += length + 1;
    }
}

static int find_interpreter(int fd, const Elf64_Ehdr *header, bool *found, const char *name, struct error *err) {
    *found = false;
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > PROGRAM_HEADERS_MAX) {
        return refuse(err, EXIT_NOT_EXECUTABLE, 0, name, "its program headers make no sense");
    }
    for (unsigned int i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr entry;
        if (pread(fd, &entry, sizeof entry, (off_t)(header->e_phoff + i * sizeof entry)) != (ssize_t)sizeof entry) {
            return refuse(err, EXIT_NOT_EXECUTABLE, 0, name, "it is cut off");
        }
        *found = *found || entry.p_type == PT_INTERP;
    }
    return 0;
}

static int look_inside(struct program *program, int fd, const char *name, struct error *err) {
    Elf64_Ehdr header = {0};
    ssize_t got = pread(fd, &header, sizeof header, 0);
    if (got >= 2 && memcmp(&header, "#!", 2) == 0) {
        return refuse(err, EXIT_NOT_EXECUTABLE, ENOEXEC, name, "it is a script, and neither it nor its interpreter is in the target");
    }
    if (got != (ssize_t)sizeof header || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 || (header.e_type != ET_EXEC && header.e_type != ET_DYN)) {
        return refuse(err, EXIT_NOT_EXECUTABLE, ENOEXEC, name, "it is no 64-bit ELF program");
    }
    if (header.e_machine != OWN_MACHINE) {
        return refuse(err, EXIT_NOT_EXECUTABLE, ENOEXEC, name, "it is built for another machine");
    }
    return find_interpreter(fd, &header, &program->dynamic, name, err);
}

/** Its directories are real ones, and its programs no links: nothing else is in a toolbox. */
static int open_in_toolbox(int toolbox, const char *name) {
    char path[256];
    bool fits = strchr(name, '/') == NULL && format_text(path, sizeof path, "bin/%s", name) < sizeof path;
    return fits ? open_executable(toolbox, path, O_NOFOLLOW) : -ENOENT;
}

int program_open(struct program *program, int toolbox, const char *name, struct error *err) {
    cleanup_close int fd = toolbox >= 0 ? open_in_toolbox(toolbox, name) : strchr(name, '/') == NULL ? search_path(name) : open_executable(AT_FDCWD, name, 0);
    if (fd < 0) {
        int number = -fd;
        bool missing = number == ENOENT || number == ENOTDIR;
        return refuse(err, missing ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE, number, name, !missing ? "cannot be executed" : toolbox >= 0 ? "not found in the toolbox" : "not found in the image that nsexec runs in");
    }
    if (look_inside(program, fd, name, err) < 0) {
        return -1;
    }
    program->fd = sealed_copy(program_base_name(name), fd, err);
    if (program->fd < 0) {
        return -1;
    }
    /* Who may execute it and not read it is not dumpable afterwards: nobody with the same user traces it. execve(2) */
    return fchmod(program->fd, 0111) < 0 ? fail(err, "internal", errno, "change the mode of a memfd") : 0;
}
