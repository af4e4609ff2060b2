/* HOOK is the path of the linked hook.so, given by the Makefile. */
    .section .rodata
    .balign 16
    .globl hook_bytes
    .globl hook_bytes_length
hook_bytes:
    .incbin HOOK
hook_bytes_end:
    .balign 8
hook_bytes_length:
    .quad hook_bytes_end - hook_bytes
    .section .note.GNU-stack, "", %progbits
