#ifndef NSEXEC_FILTER_H
#define NSEXEC_FILTER_H

/* Words to write a seccomp filter with. A load is of the low half of an argument, as on every machine that we are built for. seccomp(2) */

#include "base/sys.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#define FILTER_ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define FILTER_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* System calls of x32 come as those of x86-64, with this bit. */
#define FILTER_X32_BIT 0x40000000U

#define FILTER_LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define FILTER_LOAD_LOW(argument) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + (argument) * sizeof(uint64_t))
#define FILTER_LOAD_HIGH(argument) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + (argument) * sizeof(uint64_t) + sizeof(uint32_t))
/** Skips so many of the next instructions when what was loaded is, or is not, this. */
#define FILTER_IS(value, if_so, if_not) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), if_so, if_not)
#define FILTER_AT_LEAST(value, if_so, if_not) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)(value), if_so, if_not)
#define FILTER_HAS(bits, if_so, if_not) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (uint32_t)(bits), if_so, if_not)
#define FILTER_ALLOW_IF(value) FILTER_IS(value, 0, 1), FILTER_ALLOW
#define FILTER_ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
/** AddressSanitizer asks for the signal stack before each call that does not return. */
#if defined(__SANITIZE_ADDRESS__)
#define FILTER_ALLOW_SANITIZER FILTER_ALLOW_IF(__NR_sigaltstack),
#else
#define FILTER_ALLOW_SANITIZER
#endif
#define FILTER_REFUSE(number) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (number))

/** Puts a filter over the caller. 0 or -errno. */
static inline long filter_install(const struct sock_filter *instructions, uint16_t count) {
    /* struct sock_fprog, of whose instructions the kernel changes nothing. */
    const struct {
        unsigned short count;
        const struct sock_filter *instructions;
    } program = {count, instructions};
    /* Without it Linux before 5.16 slows the caller down, to spare it an attack by code that it does not run. */
    return sys3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
}

#endif
