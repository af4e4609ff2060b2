#ifndef NSEXEC_SYS_H
#define NSEXEC_SYS_H

/*
 * System calls without libc. The preload hook has no libc of its own (it runs inside whatever libc the program brought), the children of a raw clone
 * must not run libc's fork handlers, and musl 1.2.3 has no wrapper for half of these. Each returns a negative errno on failure, as the kernel does.
 */

#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

/* Newer than the oldest kernel headers we build with. */
#ifndef __NR_close_range
#define __NR_close_range 436
#endif
#ifndef __NR_openat2
#define __NR_openat2 437
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* What a call takes in which register (and which of the first two it leaves changed), and no more than it takes: a register set to 0 for nothing is three bytes, at each of two hundred calls. syscall(2) */
#if defined(__x86_64__)
#define SYS_ENTER "syscall"
#define SYS_SPOILT "rcx", "r11", "memory"
#define SYS_RESULT number
#define SYS_FIRST "+r"(number) : "r"(a)
#define SYS_NUMBER(value) register long number __asm__("rax") = (value)
#define SYS_A(value) register long a __asm__("rdi") = (value)
#define SYS_B(value) register long b __asm__("rsi") = (value)
#define SYS_C(value) register long c __asm__("rdx") = (value)
#define SYS_D(value) register long d __asm__("r10") = (value)
#define SYS_E(value) register long e __asm__("r8") = (value)
#define SYS_F(value) register long f __asm__("r9") = (value)
#elif defined(__aarch64__)
#define SYS_ENTER "svc 0"
#define SYS_SPOILT "memory", "cc"
#define SYS_RESULT a
#define SYS_FIRST "+r"(a) : "r"(number)
#define SYS_NUMBER(value) register long number __asm__("x8") = (value)
#define SYS_A(value) register long a __asm__("x0") = (value)
#define SYS_B(value) register long b __asm__("x1") = (value)
#define SYS_C(value) register long c __asm__("x2") = (value)
#define SYS_D(value) register long d __asm__("x3") = (value)
#define SYS_E(value) register long e __asm__("x4") = (value)
#define SYS_F(value) register long f __asm__("x5") = (value)
#else
#error "nsexec is written for x86_64 and aarch64"
#endif

static inline long sys_call1(long call, long first) {
    SYS_NUMBER(call);
    SYS_A(first);
    __asm__ volatile(SYS_ENTER : SYS_FIRST : SYS_SPOILT);
    return SYS_RESULT;
}

static inline long sys_call2(long call, long first, long second) {
    SYS_NUMBER(call);
    SYS_A(first);
    SYS_B(second);
    __asm__ volatile(SYS_ENTER : SYS_FIRST, "r"(b) : SYS_SPOILT);
    return SYS_RESULT;
}

static inline long sys_call3(long call, long first, long second, long third) {
    SYS_NUMBER(call);
    SYS_A(first);
    SYS_B(second);
    SYS_C(third);
    __asm__ volatile(SYS_ENTER : SYS_FIRST, "r"(b), "r"(c) : SYS_SPOILT);
    return SYS_RESULT;
}

static inline long sys_call4(long call, long first, long second, long third, long fourth) {
    SYS_NUMBER(call);
    SYS_A(first);
    SYS_B(second);
    SYS_C(third);
    SYS_D(fourth);
    __asm__ volatile(SYS_ENTER : SYS_FIRST, "r"(b), "r"(c), "r"(d) : SYS_SPOILT);
    return SYS_RESULT;
}

static inline long sys_call5(long call, long first, long second, long third, long fourth, long fifth) {
    SYS_NUMBER(call);
    SYS_A(first);
    SYS_B(second);
    SYS_C(third);
    SYS_D(fourth);
    SYS_E(fifth);
    __asm__ volatile(SYS_ENTER : SYS_FIRST, "r"(b), "r"(c), "r"(d), "r"(e) : SYS_SPOILT);
    return SYS_RESULT;
}

static inline long sys_call6(long call, long first, long second, long third, long fourth, long fifth, long sixth) {
    SYS_NUMBER(call);
    SYS_A(first);
    SYS_B(second);
    SYS_C(third);
    SYS_D(fourth);
    SYS_E(fifth);
    SYS_F(sixth);
    __asm__ volatile(SYS_ENTER : SYS_FIRST, "r"(b), "r"(c), "r"(d), "r"(e), "r"(f) : SYS_SPOILT);
    return SYS_RESULT;
}

#define sys0(n) sys_call1(n, 0)
#define sys1(n, a) sys_call1(n, (long)(a))
#define sys2(n, a, b) sys_call2(n, (long)(a), (long)(b))
#define sys3(n, a, b, c) sys_call3(n, (long)(a), (long)(b), (long)(c))
#define sys4(n, a, b, c, d) sys_call4(n, (long)(a), (long)(b), (long)(c), (long)(d))
#define sys5(n, a, b, c, d, e) sys_call5(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))
#define sys6(n, a, b, c, d, e, f) sys_call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/** struct clone_args up to and with `cgroup` (Linux 5.7); the kernel takes the size as the version. */
struct clone3_arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/** struct statx, 256 bytes, which musl 1.2.3 has not. */
struct statx_facts {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t owner_and_mode[4];
    uint64_t inode, size, blocks, attributes_mask;
    uint64_t others[24];
};

/** fork(2) with flags, without libc's handlers: 0 in the child. CLONE_PARENT and CLONE_NEWPID are what it is for. */
static inline long sys_fork(unsigned long flags) {
    return sys5(__NR_clone, flags | 17 /* SIGCHLD */, 0, 0, 0, 0);
}

/** clone(2) of a process that is a child of the caller's own parent. With `thread_id` the kernel writes the child's pid there, in the child, and clears it at its end. */
static inline long sys_fork_sibling(unsigned long flags, void *thread_id) {
    enum { PARENT = 0x8000, CHILD_SETTID = 0x01000000, CHILD_CLEARTID = 0x00200000 };
    flags |= PARENT | 17 /* SIGCHLD */ | (thread_id != NULL ? CHILD_SETTID | CHILD_CLEARTID : 0);
#if defined(__x86_64__)
    return sys5(__NR_clone, flags, 0, 0, thread_id, 0);
#else
    return sys5(__NR_clone, flags, 0, 0, 0, thread_id);
#endif
}

/** Ignores a signal. sigaction(2) */
static inline void sys_ignore(int signal) {
    static const uint64_t action[4] = {1 /* SIG_IGN */}; /* No flags, no restorer, no mask. */
    sys4(__NR_rt_sigaction, signal, action, 0, sizeof *action);
}

/** Closes first … last. Before Linux 5.9 one by one: all our descriptors are small numbers. */
static inline void sys_close_from(unsigned int first, unsigned int last) {
    if (first > last || sys3(__NR_close_range, first, last, 0) == 0) {
        return;
    }
    for (unsigned int fd = first; fd <= last && fd < 1024; fd++) {
        sys1(__NR_close, fd);
    }
}

__attribute__((noreturn)) static inline void sys_exit(int status) {
    for (;;) {
        sys1(__NR_exit_group, status);
    }
}

#endif
