# GNU make.  "make help" lists the targets; everything is built in build/.

SHELL = /bin/bash
.SHELLFLAGS = -e -o pipefail -c
.DEFAULT_GOAL = all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

CC = gcc
CLANG = clang
NGINX = /usr/sbin/nginx
PREFIX = /usr/local
DESTDIR =
MODULES =
JOBS = 2
FUZZ_SECONDS = 3
QUICK =
SOAK_ROUNDS = 200
PAGE_PORT = 8080

CFLAGS = -O2 -g
WARNINGS = -std=gnu99 -Wall -Wextra -Werror -Wno-unused-parameter
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -DSEALED_CHECKED=1
INTEGER = -fsanitize=integer -fno-sanitize-recover=integer
DEFINES = -D_GNU_SOURCE -DSEALED_HAVE_LIBCRYPTO=1

B = build

# "make V=1" shows the commands
V = 0
Q = $(if $(filter 0,$(V)),@)
say = $(if $(filter 0,$(V)),@echo ' $(1) $@')
SO = $(B)/module/ngx_http_sealed_module.so
RESULTS = $(B)/results

core = $(wildcard src/*.c)
host = $(wildcard src/host/*.c)
cli = $(wildcard src/cli/*.c)
unit = $(patsubst t/unit/%.c,$(B)/unit/%,$(wildcard t/unit/test_*.c))
e2e = $(sort $(wildcard t/*.t))

libs = -lsodium -lcrypto -lwslay
cli_libs = -lcurl -ljansson

cli_core = $(core:%.c=$(B)/cli/%.o) $(host:%.c=$(B)/cli/%.o)
cli_objects = $(cli:%.c=$(B)/cli/%.o)
unit_core = $(core:%.c=$(B)/unit/%.o) $(host:%.c=$(B)/unit/%.o)


.PHONY: all module cli unit unit-programs test asan asan-test lint fuzz \
	fuzz-coverage soak demo page page-library bench bench-programs clean \
	install uninstall deb help \
	packages-build packages-test packages-lint packages-asan \
	packages-bench packages-deb packages-coverage

all: module cli

help:
	@echo 'make              the nginx module and the command "sealed"'
	@echo 'make module       $(SO)'
	@echo 'make cli          $(B)/sealed'
	@echo 'make test         everything but the sanitizer build: unit tests,'
	@echo '                  end to end, other clients, short fuzzing'
	@echo 'make unit         unit tests of the core, with sanitizers'
	@echo 'make asan-test    end-to-end tests on an nginx with sanitizers'
	@echo 'make lint         style, warnings, static checks'
	@echo 'make fuzz         FUZZ_SECONDS=$(FUZZ_SECONDS) for each target'
	@echo 'make fuzz-coverage what the kept corpora reach, target by target'
	@echo 'make bench        this gateway beside nchan and Redis: figures, JSON and'
	@echo '                  a picture in $(B)/bench; QUICK=1: in short'
	@echo 'make soak         killed under load, SOAK_ROUNDS=$(SOAK_ROUNDS) times, then'
	@echo '                  5,000 readers, 1,000 killed workers, ten minutes of'
	@echo '                  churn, a death at every step: an hour and more'
	@echo 'make demo         a gateway on this machine, and a first exchange'
	@echo 'make page         a gateway with its page, PAGE_PORT=$(PAGE_PORT)'
	@echo 'make page-library the library of that page, from its packages'
	@echo 'make install      DESTDIR=, PREFIX=$(PREFIX), MODULES=; make uninstall'
	@echo 'make deb          Debian packages, in $(B)/deb'
	@echo 'make clean'


# Debian packages, installed when missing

packages-build packages-test packages-lint packages-asan packages-bench \
		packages-deb packages-coverage: packages-%:
	@tools/install-packages $*

packages-test packages-lint packages-asan packages-bench packages-deb: \
		| packages-build
packages-lint packages-asan packages-coverage: | packages-test


# the module, by nginx's own build system

module: packages-build
	@tools/build-module


# the command

cli: packages-build
	@$(MAKE) --no-print-directory $(B)/sealed

$(B)/cli/libsealed.a: $(cli_core)
	$(call say,AR)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(B)/sealed: $(cli_objects) $(B)/cli/libsealed.a
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(cli_libs) $(libs)

$(B)/cli/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(WARNINGS) $(CFLAGS) $(CPPFLAGS) $(DEFINES) -Isrc -MMD -MP \
		-c -o $@ $<


# unit tests: each t/unit/test_*.c is a program of its own, on all of src/

unit-programs: $(unit) $(B)/zone_check $(B)/lose_lock $(B)/faults.so \
		$(B)/tsan/test_hammer

unit: packages-test
	@$(MAKE) --no-print-directory unit-programs
	@tools/run-tests -j $(JOBS) $(unit) 'threads: $(tsan)'

$(B)/unit/libsealed.a: $(unit_core)
	$(call say,AR)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(filter-out %/test_deaths,$(unit)): $(B)/unit/test_%: $(B)/unit/t/unit/test_%.o $(B)/unit/libsealed.a
	$(call say,LD)
	$(Q)$(CLANG) -g $(SANITIZE) -o $@ $^ -lcmocka -ljansson $(libs) -lpthread

$(B)/zone_check $(B)/lose_lock: $(B)/%: $(B)/unit/t/unit/%.o \
		$(B)/unit/libsealed.a
	$(call say,LD)
	$(Q)$(CLANG) -g $(SANITIZE) -o $@ $^ $(libs) -lpthread

# calls of nginx that fail or are the last: loaded before its libraries

$(B)/faults.so: t/unit/faults.c
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(WARNINGS) $(CFLAGS) -D_GNU_SOURCE -fPIC -shared -o $@ $<

# the store with fault points: no sanitizers, it forks a great many times

fault_core = $(core:%.c=$(B)/fault/%.o)

$(B)/fault/libsealed.a: $(fault_core)
	$(call say,AR)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(B)/unit/test_deaths: $(B)/fault/t/unit/test_deaths.o \
		$(B)/fault/libsealed.a
	$(call say,LD)
	$(Q)$(CC) -g -o $@ $^ -lcmocka $(libs) -lpthread

$(B)/fault/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(WARNINGS) -O1 -g -DSEALED_FAULTS $(DEFINES) -Isrc -MMD \
		-MP -c -o $@ $<

# threads with a handle each, under ThreadSanitizer

tsan = TSAN_OPTIONS=suppressions=t/unit/tsan.supp:halt_on_error=1:history_size=7 \
	$(B)/tsan/test_hammer
tsan_core = $(core:%.c=$(B)/tsan/%.o)

$(B)/tsan/test_hammer: $(B)/tsan/t/unit/test_hammer.o $(tsan_core)
	$(call say,LD)
	$(Q)$(CC) -g -fsanitize=thread -o $@ $^ -lcmocka $(libs) -lpthread

$(B)/tsan/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(WARNINGS) -Wno-tsan -O1 -g -fsanitize=thread $(DEFINES) \
		-Isrc -MMD -MP -c -o $@ $<

$(B)/unit/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CLANG) $(WARNINGS) -O1 -g $(SANITIZE) $(integer) $(DEFINES) -Isrc \
		-MMD -MP -c -o $@ $<

# in what is tested, arithmetic that goes round is an error too

$(unit_core): integer = $(INTEGER)

.SECONDARY:

-include $(shell find $(B)/cli $(B)/unit $(B)/fault $(B)/tsan -name '*.d' 2> /dev/null)


# every test; the last line is "N passed, N failed"

test: packages-test
	@mkdir -p $(RESULTS)
	@rm -f $(RESULTS)/test
	@$(MAKE) --no-print-directory all unit-programs bench-programs
	@NGINX_BIN=$(NGINX) NGINX_MODULE=$(CURDIR)/$(SO) \
		tools/run-tests -j $(JOBS) -o $(RESULTS)/test $(unit) $(e2e) \
		't/fuzz/run $(FUZZ_SECONDS)' 'threads: $(tsan)'


# the same end-to-end tests on an nginx with sanitizers

asan: packages-asan
	@tools/build-asan-nginx

asan-test: asan
	@mkdir -p $(RESULTS)
	@rm -f $(RESULTS)/asan-test
	@$(MAKE) --no-print-directory cli $(B)/zone_check $(B)/lose_lock \
		$(B)/faults.so bench-programs
	@ASAN_OPTIONS=detect_leaks=0 \
		NGINX_BIN=$(CURDIR)/$(B)/asan/nginx NGINX_MODULE= \
		tools/run-tests -j $(JOBS) -o $(RESULTS)/asan-test $(e2e)


lint: packages-lint
	@mkdir -p $(RESULTS)
	@rm -f $(RESULTS)/lint
	@$(MAKE) --no-print-directory module
	@CC=$(CC) CLANG=$(CLANG) DEFINES='$(DEFINES)' \
		WARNINGS='$(WARNINGS)' tools/lint -o $(RESULTS)/lint

fuzz: packages-test
	t/fuzz/run $(FUZZ_SECONDS)

fuzz-coverage: packages-coverage
	t/fuzz/run coverage

# an nginx with a journal, killed under load, as often as it takes

soak: packages-test
	@$(MAKE) --no-print-directory all unit-programs bench-programs
	@SEALED_CRASH_ROUNDS=$(SOAK_ROUNDS) NGINX_BIN=$(NGINX) \
		NGINX_MODULE=$(CURDIR)/$(SO) prove -It/lib -v t/41-crash.t
	@SEALED_KILL_ROUNDS=$$(( ($(SOAK_ROUNDS) + 24) / 25 )) \
		NGINX_BIN=$(NGINX) NGINX_MODULE=$(CURDIR)/$(SO) \
		prove -It/lib -v t/41-kill-points.t
	@NGINX_BIN=$(NGINX) NGINX_MODULE=$(CURDIR)/$(SO) t/soak
	@SEALED_KILLS=1000 SEALED_CHURN=600 NGINX_BIN=$(NGINX) \
		NGINX_MODULE=$(CURDIR)/$(SO) prove -It/lib -v t/42-under-load.t
	@SEALED_ALL_STEPS=1 $(B)/unit/test_deaths

demo: all
	@tools/demo

page: all
	@tools/page $(PAGE_PORT)

page-library: packages-test
	@tools/build-page-library


# figures, each beside a peer's in the same run

bench: packages-bench
	@$(MAKE) --no-print-directory all bench-programs
	@QUICK='$(QUICK)' MODULE=$(SO) t/bench/run

bench_programs = $(addprefix $(B)/bench/,engine check certificates readers)

bench-programs: $(bench_programs)

$(bench_programs): $(B)/bench/%: \
		$(B)/cli/t/bench/%.o $(B)/cli/libsealed.a
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) \
		$(filter %.a,$^) $(libs) -lpthread

$(B)/bench/readers: $(addprefix $(B)/cli/t/bench/,crowd.o client.o)


# MODULES is where nginx looks for its modules, by default as it says itself

modules_path = $(or $(MODULES),$(shell $(NGINX) -V 2>&1 \
	| sed -n 's/.*--modules-path=\([^ ]*\).*/\1/p'))
share = $(DESTDIR)$(PREFIX)/share

install: all
	$(if $(modules_path),,$(error $(NGINX) -V names no modules path, \
		say MODULES=DIRECTORY))
	install -d $(DESTDIR)$(PREFIX)/bin $(share)/man/man1 \
		$(share)/doc/sealed-sender $(DESTDIR)$(modules_path)
	install -m 755 $(B)/sealed $(DESTDIR)$(PREFIX)/bin/
	install -m 644 docs/sealed.1 $(share)/man/man1/
	install -m 644 README.md CHANGES LICENSE docs/*.md docs/page.png \
		$(share)/doc/sealed-sender/
	cd conf && find * -type f -exec install -m 644 -D {} \
		$(abspath $(share))/sealed-sender/{} \;
	install -m 644 $(SO) $(DESTDIR)$(modules_path)/

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/sealed $(share)/man/man1/sealed.1
	rm -rf $(share)/doc/sealed-sender $(share)/sealed-sender
	$(if $(modules_path),rm -f \
		$(DESTDIR)$(modules_path)/ngx_http_sealed_module.so)

# Debian packages in build/deb

deb: packages-deb
	@tools/build-deb

clean:
	rm -rf $(B)
