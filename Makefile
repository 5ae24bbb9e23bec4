# The front door for packagers. Everything is done by the programs in scripts/.

DESTDIR =
PREFIX = /usr

.PHONY: build check test install clean

# dist/hvguest. Without git, HVGUEST_COMMIT names the commit.
build:
	npm run build

# Types, lint, format and unit tests.
check:
	npm test -- check unit

# Every suite; some need root and Debian 12.
test:
	npm test

# The program with its names, units, udev rules, man pages and completions; the unit
# is enabled, and nothing is run. Units and udev rules are looked for below /usr only,
# so another PREFIX gets the program alone.
install:
ifeq ($(PREFIX),/usr)
	mkdir -p "$(DESTDIR)/"
	dist/hvguest install --root "$(DESTDIR)/"
else
	install -D -m 755 dist/hvguest "$(DESTDIR)$(PREFIX)/sbin/hvguest"
	ln -sf hvguest "$(DESTDIR)$(PREFIX)/sbin/lsvmbus"
endif

clean:
	rm -rf dist target
