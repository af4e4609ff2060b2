# Behaviour tests of nsexec. Included by ../Makefile, and usable alone: make -f tests.mk probes
#   probes   the programs that the tests are made of, static unless they must be dynamic
#   unit     cmocka tests of the parsers (only from ../Makefile)
#   test     probes, then every test file (run as root; NSEXEC=path chooses the binary)
TESTS_DIR := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
PROBES ?= $(TESTS_DIR)/.build
PROBE_CC ?= gcc
PROBE_CFLAGS := -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -Wformat=2

PROBE_SOURCES := $(addprefix $(TESTS_DIR)/probes/,probe.c report.c signals.c family.c load.c hostile.c attack.c rights.c network.c litter.c ipc.c)
PROBE_HEADERS := $(addprefix $(TESTS_DIR)/probes/,probe.h rights.h)
TARGET_SOURCES := $(addprefix $(TESTS_DIR)/probes/,target.c target-inside.c)
PROBE_PROGRAMS := $(addprefix $(PROBES)/,probe-static probe-dynamic target pause reaper tripwire plug without fuse filters loader image evil.so)

.PHONY: probes test clean-tests
probes: $(PROBE_PROGRAMS)

$(PROBES):
	@mkdir -p $@
$(PROBES)/probe-static: $(PROBE_SOURCES) $(PROBE_HEADERS) | $(PROBES)
	$(PROBE_CC) $(PROBE_CFLAGS) -static -o $@ $(PROBE_SOURCES)
$(PROBES)/probe-dynamic: $(PROBE_SOURCES) $(PROBE_HEADERS) | $(PROBES)
	$(PROBE_CC) $(PROBE_CFLAGS) -o $@ $(PROBE_SOURCES) -Wl,--no-as-needed -lm
$(PROBES)/target: $(TARGET_SOURCES) $(TESTS_DIR)/probes/target.h | $(PROBES)
	$(PROBE_CC) $(PROBE_CFLAGS) -static -o $@ $(TARGET_SOURCES)
$(PROBES)/loader: $(TESTS_DIR)/probes/loader.c | $(PROBES)
	$(PROBE_CC) $(PROBE_CFLAGS) -o $@ $< -ldl -lpthread
$(PROBES)/evil.so: $(TESTS_DIR)/probes/evil.c | $(PROBES)
	$(PROBE_CC) $(PROBE_CFLAGS) -shared -fPIC -o $@ $<
$(PROBES)/filters: $(TESTS_DIR)/probes/filters.c $(addprefix $(TESTS_DIR)/../,enter/exec-filter.c enter/exec-filter.h enter/harmless.c enter/harmless.h enter/filter.h base/sys.h) | $(PROBES)
	$(PROBE_CC) $(PROBE_CFLAGS) -I$(TESTS_DIR)/.. -static -o $@ $(filter %.c,$^)
$(PROBES)/%: $(TESTS_DIR)/probes/%.c | $(PROBES)
	$(PROBE_CC) $(PROBE_CFLAGS) -static -o $@ $<

test:
	$(TESTS_DIR)/run

clean-tests:
	rm -rf $(PROBES)

# Unit tests of the parsers, with the sanitizers and linked to every object of nsexec but the one that has main.
ifdef SOURCES
UNIT_OBJECTS = $(filter-out $(ASAN)/nsexec.o,$(SOURCES:%.c=$(ASAN)/%.o)) $(ASAN)/enter/hook-bytes.o
UNIT_SOURCES := $(wildcard $(TESTS_DIR)/unit/*.c)
.PHONY: unit
unit: $(BUILD)/unit-tests
	$<
$(BUILD)/unit-tests: $(UNIT_SOURCES) $(TESTS_DIR)/unit/unit.h $(UNIT_OBJECTS)
	$(ASAN_CC) $(COMMON) -Wno-missing-prototypes $(ASAN_FLAGS) -I. -I$(TESTS_DIR)/unit -o $@ $(UNIT_SOURCES) $(UNIT_OBJECTS) -lcmocka
endif
