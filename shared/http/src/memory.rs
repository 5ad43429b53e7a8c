//! How much memory a process keeps.

/// Values of this size and more, in bytes, are given back to the system when they are freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: i32 = 128 * 1024;

/// Makes the allocator give large values back as soon as they are freed. A service handles values of
/// up to 10 MiB and is small otherwise; by default glibc learns from the first such value to keep
/// the next ones, in one arena a thread. To be called once, at the start of a process; does nothing
/// where the allocator is another.
pub fn return_large_values() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "there is no safe function for it")]
    // SAFETY: it takes two numbers and the allocator's own lock.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}
