# Confermo. `make run` shows a whole interview; `make test` proves it.
GO      ?= go
DATA    ?= data
OUT     ?= $(DATA)/out
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo dev)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
FRONT   := $(filter-out web/assets/dist/%,$(shell find web/assets/src web/assets/js web/templates web/assets/*.json web/assets/build.mjs -type f 2>/dev/null))

# Debian's packages that the tests use, and a program of each.
NEEDS := chromium=chromium poppler-utils=pdfsig mupdf-tools=mutool qpdf=qpdf openssl=openssl libnss3-tools=certutil \
	postfix=postfix dovecot-imapd=dovecot dovecot-lmtpd=/usr/lib/dovecot/lmtp strace=strace postgresql=/usr/lib/postgresql/15/bin/postgres

.PHONY: run demo build test unit race e2e lint assets bench fuzz soak needs clean

run: assets build
	bin/confermo demo -data $(DATA)/demo

demo: assets build
	bin/confermo demo -data $(DATA)/demo -out $(OUT) -exit

build:
	@mkdir -p bin
	$(BUILD) -o bin/confermo ./cmd/confermo
	$(BUILD) -o bin/confermo-verify ./cmd/confermo-verify

assets: web/assets/dist/confermo.css

# Without Node the program serves its plain built-in stylesheet, and says so.
web/assets/dist/confermo.css: $(FRONT)
	@if command -v npm >/dev/null; then \
		echo "Building the front end (Bootstrap Italia, once; about 40 s)…"; \
		cd web/assets && npm ci --no-audit --no-fund --loglevel=error && node build.mjs; \
	else \
		echo "Node is not installed: the pages will use the plain built-in stylesheet."; \
	fi

test: needs assets lint race e2e
	@echo "make test: everything passed"

lint:
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@out=$$($(GO) tool gofumpt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "gofumpt would change:"; echo "$$out"; exit 1; fi

# Unit tests under the race detector; the story in browsers and with real mail servers without it.
race:
	$(GO) test -race -timeout 10m $$($(GO) list ./... | grep -v '/cmd/')

e2e:
	$(GO) test -timeout 12m ./cmd/...

unit:
	$(GO) test ./...

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Ten minutes for each parser of outside bytes; FUZZTIME=10s for a look.
FUZZTIME ?= 10m
fuzz:
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$p || exit 1; done; done

# The properties with all their cases, and whole demos killed at random moments.
soak:
	CONFERMO_SOAK=1 $(GO) test -timeout 90m ./...

needs:
	@missing=; for need in $(NEEDS); do command -v $${need#*=} >/dev/null || missing="$$missing $${need%%=*}"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ]; then echo "The tests need these Debian packages:$$missing"; exit 1; fi; \
	echo "Installing$$missing"; \
	echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections; \
	apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing

clean:
	rm -rf bin data web/assets/dist/*.css web/assets/dist/*.js web/assets/dist/*.svg web/assets/dist/*.woff2
