#include "fill/fill.h"

#include "base/format.h"
#include "base/span.h"
#include "base/sys.h"
#include "fill/take.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

/* What is not asked for is 0. */
struct wish {
    struct amount space, inodes;
    int64_t leave; /**< -1: as default_leave has it */
};

static bool parse_count(struct span text, int64_t low, int64_t *out) {
    uint64_t number = 0;
    if (!span_number(text, &number) || number > INT64_C(1) << 60 || (int64_t)number < low) {
        return false;
    }
    *out = (int64_t)number;
    return true;
}

/** `95` or `0.5`, with at most six decimals; above 0 and at most 100. */
static bool parse_percent(struct span text, int64_t *out) {
    struct span whole;
    uint64_t units = 0;
    uint64_t millionths = 0;
    bool pointed = memchr(text.at, '.', text.length) != NULL;
    if (!span_cut(&text, '.', &whole) || !span_number(whole, &units) || units > 100 || text.length > 6 || (pointed && !span_number(text, &millionths))) {
        return false;
    }
    for (size_t i = text.length; i < 6; i++) {
        millionths *= 10;
    }
    *out = (int64_t)units * PERCENT + (int64_t)millionths;
    return *out > 0 && *out <= 100 * PERCENT;
}

static int take_option(struct wish *wish, struct span name, const char *value, struct error *err) {
    const struct {
        const char *name;
        int64_t *count, *percent;
        int64_t low;
    } table[] = {
        {"--bytes", &wish->space.count, NULL, 1},   {"--percent", NULL, &wish->space.percent, 0}, {"--inodes", &wish->inodes.count, NULL, 1},
        {"--inodes-percent", NULL, &wish->inodes.percent, 0}, {"--leave", &wish->leave, NULL, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!span_equal(name, table[i].name)) {
            continue;
        }
        if (value == NULL) {
            return fail(err, "usage", 0, "%s needs a value", table[i].name);
        }
        struct span text = {value, strlen(value)};
        bool good = table[i].count != NULL ? parse_count(text, table[i].low, table[i].count) : parse_percent(text, table[i].percent);
        return good ? 0
                    : fail(err, "usage", 0, table[i].count != NULL ? "%s takes a whole number from %lld on, not `%.64s`" : "%s takes a number above %lld and up to 100, not `%.64s`", table[i].name,
                           (long long)table[i].low, value);
    }
    return fail(err, "usage", 0, "unknown %s `%.*s` of fill", name.at[0] == '-' ? "option" : "argument", (int)(name.length < 64 ? name.length : 64), name.at);
}

static int parse(struct wish *wish, char **arguments, struct error *err) {
    *wish = (struct wish){.leave = -1};
    for (size_t i = 0; arguments[i] != NULL; i++) {
        const char *equals = strchr(arguments[i], '=');
        struct span name = {arguments[i], strcspn(arguments[i], "=")};
        if (take_option(wish, name, equals != NULL ? equals + 1 : arguments[i + 1], err) < 0) {
            return -1;
        }
        i += equals != NULL ? 0 : 1;
    }
    if (wish->space.count != 0 && wish->space.percent != 0) {
        return fail(err, "usage", 0, "--bytes and --percent exclude each other");
    }
    if (wish->inodes.count != 0 && wish->inodes.percent != 0) {
        return fail(err, "usage", 0, "--inodes and --inodes-percent exclude each other");
    }
    if (wish->space.count + wish->space.percent + wish->inodes.count + wish->inodes.percent == 0) {
        return fail(err, "usage", 0, "fill needs an amount: --bytes, --percent, --inodes or --inodes-percent");
    }
    return 0;
}

static size_t say_inodes(const struct taking *taking, const struct space *space, char *out, size_t size) {
    if (taking->made < taking->asked_inodes) {
        return format_text(out, size, "made %lld of %lld files: %lld inodes are left\n", (long long)taking->made, (long long)taking->asked_inodes, (long long)space->inodes_free);
    }
    return format_text(out, size, "made %lld files: %lld inodes are left\n", (long long)taking->made, (long long)space->inodes_free);
}

static size_t say_space(const struct taking *taking, const struct space *space, char *out, size_t size) {
    char held[SPACE_TEXT];
    char asked[SPACE_TEXT];
    char left[SPACE_TEXT];
    space_text(taking->held, held);
    space_text(taking->asked, asked);
    bool all = taking->held >= taking->asked || strcmp(held, asked) == 0;
    return format_text(out, size, "filled %s%s%s by %s: %s are left\n", held, all ? "" : " of ", all ? "" : asked,
                       taking->written ? "written blocks, since fallocate is not supported" : "fallocate",
                       space_text(taking->reserve_is_ours ? space->free_bytes : space->available_bytes, left));
}

/** 64 MiB, or a twentieth of a file system in which that is less: a small one could not be filled otherwise. */
static int64_t default_leave(const struct space *space) {
    int64_t most = INT64_C(64) << 20;
    int64_t twentieth = (space->size_bytes - space->free_bytes + space->available_bytes) / 20;
    return twentieth < most ? twentieth : most;
}

/** Inodes first: an empty file may need a block for its name. */
static int take(struct taking *taking, const struct wish *wish, char *report, size_t size, struct error *err) {
    struct space space = {0};
    bool inodes = wish->inodes.count + wish->inodes.percent > 0;
    bool bytes = wish->space.count + wish->space.percent > 0;
    taking->directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (taking->directory < 0) {
        return fail(err, "internal", errno, "open the working directory");
    }
    int result = space_of(taking->directory, &space);
    if (result < 0) {
        return fail(err, "internal", -result, "measure the file system");
    }
    space = taking->reserve_is_ours ? space_with_reserve(space) : space;
    taking->leave = wish->leave < 0 ? default_leave(&space) : wish->leave;
    if ((inodes && take_inodes(taking, &wish->inodes, err) < 0) || (bytes && take_space(taking, &wish->space, err) < 0)) {
        return -1;
    }
    result = space_of(taking->directory, &space);
    if (result < 0) {
        return fail(err, "internal", -result, "measure the file system");
    }
    size_t length = inodes ? say_inodes(taking, &space, report, size) : 0;
    if (bytes) {
        say_space(taking, &space, report + length, size - length);
    }
    return 0;
}

int fill(char **arguments, char *report, size_t size, struct error *err) {
    static struct taking taking;
    struct wish wish;
    if (parse(&wish, arguments, err) < 0) {
        return -1;
    }
    /* A limit on the size of a file is an errno then, like every other limit. */
    sys_ignore(SIGXFSZ);
    taking.reserve_is_ours = space_reserve_is_ours();
    report[0] = '\0';
    if (take(&taking, &wish, report, size, err) < 0) {
        err->exit_code = 1;
        return -1;
    }
    return 0;
}
