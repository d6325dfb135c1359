# Build and test one plugin. Its Makefile says NAME and where the SDK is, and includes this:
#
#     NAME = codename
#     SDK = sluicegate-plugin
#     include $(SDK)/sluicegate.mk
#
#     make            NAME.wasm, to be put into the gateway's plugin directory as it is
#     make test       the tests, natively, with the compiler CC
#     make clean
#     make V=1        the same, showing the commands
#
# Further variables: SOURCES (NAME.c), TESTS (tests/*.c), CFLAGS (none; for both builds), STACK_BYTES (32768), SANITIZE.

SOURCES ?= $(NAME).c
TESTS ?= $(wildcard tests/*.c)
STACK_BYTES ?= 32768

SG_HEADERS := $(wildcard $(SDK)/*.h $(SDK)/src/*.h $(SDK)/libc/*.h)
SG_SOURCES := $(wildcard $(SDK)/src/*.c)
SG_BUILD := build
SG_WARNINGS := -Wall -Wextra -Wno-missing-field-initializers -Werror=return-type -Werror=implicit-function-declaration \
	-Werror=int-conversion -Werror=incompatible-pointer-types

# A mistake ends in a trap: signed overflow, a null pointer, an index past the end of an array whose length is known.
SG_WASM_FLAGS := -std=c11 -O2 -ffreestanding -nostdlib -mbulk-memory -ffunction-sections -fdata-sections \
	-fsanitize=undefined -fsanitize-trap=undefined -fno-sanitize=alignment -fno-sanitize=function \
	-isystem $(SDK)/libc -I $(SDK)
SG_LINK_FLAGS := -Wl,--no-entry -Wl,--gc-sections -Wl,--strip-debug -Wl,-z,stack-size=$(STACK_BYTES)

# Where the compiler has them, natively too.
SANITIZE ?= $(shell echo 'int main(void) { return 0; }' | $(CC) -x c -fsanitize=address,undefined - -o /dev/null 2> /dev/null \
	&& echo '-fsanitize=address,undefined -fno-sanitize-recover=undefined')

SG_SAY = $(if $(V),,@echo "build $1" && )

.PHONY: all test clean
.DELETE_ON_ERROR:
all: $(NAME).wasm

# Which compiler is looked for once, and again after `make clean` or where the one that was found is gone.
_ := $(shell [ -s $(SG_BUILD)/compiler ] && command -v "$$(cut -d ' ' -f 1 $(SG_BUILD)/compiler)" > /dev/null || rm -f $(SG_BUILD)/compiler)
$(SG_BUILD)/compiler: $(SDK)/compiler
	@mkdir -p $(SG_BUILD)
	@sh $(SDK)/compiler > $@

$(NAME).wasm: $(SOURCES) $(SG_SOURCES) $(SG_HEADERS) $(SDK)/libc/libc.c $(SG_BUILD)/compiler Makefile
	$(call SG_SAY,$@)$$(cat $(SG_BUILD)/compiler) $(SG_WASM_FLAGS) $(SG_WARNINGS) $(CFLAGS) $(SG_LINK_FLAGS) \
		$(SOURCES) $(SG_SOURCES) $(SDK)/libc/libc.c -o $@

$(SG_BUILD)/test: $(SOURCES) $(TESTS) $(SG_SOURCES) $(SG_HEADERS) Makefile
	@mkdir -p $(SG_BUILD)
	$(call SG_SAY,$@)$(CC) -std=gnu11 -g -O1 $(SANITIZE) $(SG_WARNINGS) $(CFLAGS) -I $(SDK) $(SOURCES) $(TESTS) $(SG_SOURCES) -lm -o $@

test: $(SG_BUILD)/test
	@$(SG_BUILD)/test

clean:
	rm -rf $(SG_BUILD) $(NAME).wasm
