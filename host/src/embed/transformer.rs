//! A sentence transformer from its directory, as the library of that name saves it (Reimers and Gurevych, 2019): a BERT, of
//! whose last states the mean or the first is taken.

use std::io::Read as _;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokenizers::{Tokenizer, TruncationParams};

/// Bytes of a model: more would not be run on a CPU.
const MODEL_BYTES_MAX: u64 = 2 << 30;
/// Bytes of any of the other files.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Tokens of a text, the two that stand around it among them; no model reads fewer than hundreds.
const TOKENS_MIN: usize = 8;
/// Bytes of a text for each token that the model reads; what is beyond is not looked at. Words have some five.
const TOKEN_BYTES: usize = 16;

pub(super) struct Transformer {
    tokenizer: Tokenizer,
    model: BertModel,
    tokens_max: usize,
    pooling: Pooling,
}

/// What becomes of the states of all tokens.
#[derive(Clone, Copy)]
enum Pooling {
    Mean,
    First,
}

/// `sentence_bert_config.json`
#[derive(Deserialize)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
}

/// `1_Pooling/config.json`
#[derive(Default, Deserialize)]
#[serde(default)]
struct PoolingConfig {
    pooling_mode_cls_token: bool,
    pooling_mode_mean_tokens: bool,
}

/// The numbers of a text's tokens.
pub(super) struct Tokens(Vec<u32>);

impl Tokens {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Transformer {
    /// Read a directory, and what tells its vectors from others.
    ///
    /// # Errors
    /// What is missing, or cannot be run.
    pub(super) fn load(directory: &Path) -> Result<(Self, String), String> {
        let config_file = read(directory, "config.json", FILE_BYTES_MAX)?;
        let config: Config = parsed("config.json", &config_file)?;
        if config.model_type.as_deref() != Some("bert") {
            return Err("config.json: model_type must be \"bert\": of sentence transformers, those are run".to_owned());
        }
        let counts = [
            config.vocab_size,
            config.hidden_size,
            config.num_hidden_layers,
            config.num_attention_heads,
            config.intermediate_size,
            config.type_vocab_size,
        ];
        if counts.contains(&0) || !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            return Err("config.json: its sizes are those of no model".to_owned());
        }
        let pooling_file = read(directory, "1_Pooling/config.json", FILE_BYTES_MAX)?;
        let pooling: PoolingConfig = parsed("1_Pooling/config.json", &pooling_file)?;
        let pooling = match (pooling.pooling_mode_mean_tokens, pooling.pooling_mode_cls_token) {
            (true, false) => Pooling::Mean,
            (false, true) => Pooling::First,
            _ => {
                return Err("1_Pooling/config.json: the mean or the first token must be taken, nothing else".to_owned());
            }
        };
        let sentence_file = read(directory, "sentence_bert_config.json", FILE_BYTES_MAX)?;
        let sentence: SentenceConfig = parsed("sentence_bert_config.json", &sentence_file)?;
        let most = config.max_position_embeddings;
        let tokens_max = sentence.max_seq_length.unwrap_or(most).min(most);
        if tokens_max < TOKENS_MIN {
            return Err(format!("sentence_bert_config.json: max_seq_length must be at least {TOKENS_MIN}"));
        }
        let tokenizer_file = read(directory, "tokenizer.json", FILE_BYTES_MAX)?;
        let mut tokenizer =
            Tokenizer::from_bytes(&tokenizer_file).map_err(|error| format!("tokenizer.json: {error}"))?;
        let truncation = TruncationParams { max_length: tokens_max, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| format!("tokenizer.json: {error}"))?;
        tokenizer.with_padding(None);
        let weights = read(directory, "model.safetensors", MODEL_BYTES_MAX)?;
        let mut identity = Sha256::new();
        for file in [&config_file, &pooling_file, &sentence_file, &tokenizer_file, &weights] {
            identity.update(Sha256::digest(file));
        }
        let wrong = |error: candle_core::Error| format!("model.safetensors: {error}");
        let builder = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu).map_err(wrong)?;
        let model = BertModel::load(builder, &config).map_err(wrong)?;
        let identity = hex::encode(identity.finalize());
        Ok((Self { tokenizer, model, tokens_max, pooling }, identity))
    }

    /// The beginning of a text, as far as the model reads it.
    ///
    /// # Errors
    /// When the tokenizer does not know what to do with it.
    pub(super) fn tokens(&self, text: &str) -> Result<Tokens, String> {
        let end = text.floor_char_boundary(self.tokens_max.saturating_mul(TOKEN_BYTES));
        let text = text.get(..end).unwrap_or_default();
        let encoded =
            self.tokenizer.encode_fast(text, true).map_err(|error| format!("cutting into tokens: {error}"))?;
        Ok(Tokens(encoded.get_ids().to_vec()))
    }

    /// The vectors of several texts at once.
    ///
    /// # Errors
    /// When the model cannot be run, which no text should bring about.
    pub(super) fn vectors(&self, texts: &[&Tokens]) -> Result<Vec<Vec<f32>>, String> {
        let longest = texts.iter().map(|tokens| tokens.len()).max().unwrap_or_default().max(1);
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for Tokens(tokens) in texts {
            ids.extend_from_slice(tokens);
            ids.resize(ids.len() + longest - tokens.len(), 0);
            mask.extend(std::iter::repeat_n(1.0_f32, tokens.len()));
            mask.resize(ids.len(), 0.0);
        }
        let computed = || {
            let shape = (texts.len(), longest);
            let ids = Tensor::from_vec(ids, shape, &Device::Cpu)?;
            let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
            let states = self.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
            let pooled = match self.pooling {
                Pooling::First => states.narrow(1, 0, 1)?.squeeze(1)?,
                Pooling::Mean => {
                    let sums = states.broadcast_mul(&mask.unsqueeze(2)?)?.sum(1)?;
                    sums.broadcast_div(&mask.sum_keepdim(1)?)?
                }
            };
            pooled.to_vec2::<f32>()
        };
        computed().map_err(|error: candle_core::Error| format!("running the model: {error}"))
    }
}

fn read(directory: &Path, file: &str, bytes_max: u64) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("reading {file}: {error}");
    let path = directory.join(file);
    if !std::fs::metadata(&path).map_err(failed)?.is_file() {
        return Err(format!("{file} is no file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(&path).map_err(failed)?.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    match u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max) {
        true => Ok(bytes),
        false => Err(format!("{file} has more than {bytes_max} bytes")),
    }
}

fn parsed<T: serde::de::DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("{file}: {error}"))
}
