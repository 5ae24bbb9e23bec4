/* Hidden forwarders to the oldest versions of the glibc symbols that Rust's
   standard library uses, so that an addon linked on a new distribution loads on
   glibc 2.28 (RHEL 8). glibc 2.33 and 2.34 moved these functions into libc.so.6
   under new versions; the old versions stay available for ever. */
#define HIDDEN __attribute__((visibility("hidden")))

#if defined(__x86_64__)
#define BASE "GLIBC_2.2.5"
#define SETNAME "GLIBC_2.12"
#define GETATTR "GLIBC_2.2.5"
#define STAT_VERSION 1
#elif defined(__aarch64__)
#define BASE "GLIBC_2.17"
#define SETNAME "GLIBC_2.17"
#define GETATTR "GLIBC_2.17"
#define STAT_VERSION 0
#else
#error "name the oldest glibc symbol version of this machine"
#endif

#define OLD(name, version) __asm__(".symver old_" #name "," #name "@" version)

typedef unsigned long word;

OLD(pthread_create, BASE);
int old_pthread_create(void *, void *, void *, void *);
HIDDEN int pthread_create(void *a, void *b, void *c, void *d) {
    return old_pthread_create(a, b, c, d);
}

OLD(pthread_join, BASE);
int old_pthread_join(word, void *);
HIDDEN int pthread_join(word a, void *b) { return old_pthread_join(a, b); }

OLD(pthread_detach, BASE);
int old_pthread_detach(word);
HIDDEN int pthread_detach(word a) { return old_pthread_detach(a); }

OLD(pthread_attr_setstacksize, BASE);
int old_pthread_attr_setstacksize(void *, word);
HIDDEN int pthread_attr_setstacksize(void *a, word b) {
    return old_pthread_attr_setstacksize(a, b);
}

OLD(pthread_key_create, BASE);
int old_pthread_key_create(void *, void *);
HIDDEN int pthread_key_create(void *a, void *b) { return old_pthread_key_create(a, b); }

OLD(pthread_key_delete, BASE);
int old_pthread_key_delete(unsigned);
HIDDEN int pthread_key_delete(unsigned a) { return old_pthread_key_delete(a); }

OLD(pthread_getspecific, BASE);
void *old_pthread_getspecific(unsigned);
HIDDEN void *pthread_getspecific(unsigned a) { return old_pthread_getspecific(a); }

OLD(pthread_setspecific, BASE);
int old_pthread_setspecific(unsigned, void *);
HIDDEN int pthread_setspecific(unsigned a, void *b) { return old_pthread_setspecific(a, b); }

OLD(pthread_setname_np, SETNAME);
int old_pthread_setname_np(word, void *);
HIDDEN int pthread_setname_np(word a, void *b) { return old_pthread_setname_np(a, b); }

OLD(pthread_attr_getstack, BASE);
int old_pthread_attr_getstack(void *, void *, void *);
HIDDEN int pthread_attr_getstack(void *a, void *b, void *c) {
    return old_pthread_attr_getstack(a, b, c);
}

OLD(pthread_attr_getguardsize, BASE);
int old_pthread_attr_getguardsize(void *, void *);
HIDDEN int pthread_attr_getguardsize(void *a, void *b) {
    return old_pthread_attr_getguardsize(a, b);
}

OLD(pthread_getattr_np, GETATTR);
int old_pthread_getattr_np(word, void *);
HIDDEN int pthread_getattr_np(word a, void *b) { return old_pthread_getattr_np(a, b); }

OLD(dladdr, BASE);
int old_dladdr(void *, void *);
HIDDEN int dladdr(void *a, void *b) { return old_dladdr(a, b); }

OLD(dlopen, BASE);
void *old_dlopen(void *, int);
HIDDEN void *dlopen(void *a, int b) { return old_dlopen(a, b); }

OLD(dlsym, BASE);
void *old_dlsym(void *, void *);
HIDDEN void *dlsym(void *a, void *b) { return old_dlsym(a, b); }

__asm__(".symver old_xstat64,__xstat64@" BASE);
__asm__(".symver old_fxstat64,__fxstat64@" BASE);
__asm__(".symver old_lxstat64,__lxstat64@" BASE);
int old_xstat64(int, void *, void *);
int old_fxstat64(int, int, void *);
int old_lxstat64(int, void *, void *);
HIDDEN int stat64(void *a, void *b) { return old_xstat64(STAT_VERSION, a, b); }
HIDDEN int fstat64(int a, void *b) { return old_fxstat64(STAT_VERSION, a, b); }
HIDDEN int lstat64(void *a, void *b) { return old_lxstat64(STAT_VERSION, a, b); }

/* Newer than 2.28: by their system call. */
#include <sys/syscall.h>
long syscall(long, ...);
HIDDEN int gettid(void) { return (int)syscall(SYS_gettid); }
HIDDEN int statx(int a, void *b, int c, unsigned d, void *e) {
    return (int)syscall(SYS_statx, a, b, c, d, e);
}
